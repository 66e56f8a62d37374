"use strict";
(() => {
  const root = document.documentElement;
  const darkColours = JSON.parse(document.getElementById("dark-colours").textContent);
  const prefersDark = window.matchMedia("(prefers-color-scheme: dark)");
  const config = { displaylogo: false, modeBarButtonsToRemove: ["select2d", "lasso2d"] };
  const figures = Array.from(document.querySelectorAll("[data-figure]"));
  const printWidth = 1020;
  // On a narrower screen a figure is moved sideways: below this its labels lie upon each other or are cut.
  const leastWidth = 760;
  let printing = false;

  const isDark = () => !printing && (root.dataset.theme ? root.dataset.theme === "dark" : prefersDark.matches);

  // Figures are made in the colours of the light theme. Only values under keys of colours are exchanged:
  // a device may well be called like a colour.
  function themed(value, isColour) {
    if (typeof value === "string") return isColour && Object.hasOwn(darkColours, value) ? darkColours[value] : value;
    if (Array.isArray(value)) return value.map((item) => themed(item, isColour));
    if (value === null || typeof value !== "object") return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, themed(item, isColour || /color/i.test(key))])
    );
  }

  // The library of the figures lies in the page compressed. Its hash is in the policy of the page.
  async function unpackPlotly() {
    const holder = document.getElementById("plotly");
    const packed = Uint8Array.from(atob(holder.textContent), (character) => character.charCodeAt(0));
    holder.remove();
    const unpacked = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
    const script = document.createElement("script");
    script.textContent = await new Response(unpacked).text();
    document.head.append(script);
  }

  function draw(holder) {
    if (!window.Plotly) return; // it is being unpacked, and all are drawn then
    const source = document.getElementById(`data-${holder.dataset.figure}-${holder.dataset.page || 0}`);
    let figure = JSON.parse(source.textContent);
    if (holder.dataset.layer !== undefined) {
      const layers = document.querySelectorAll(`.layers[data-of=${holder.dataset.figure}] button`).length;
      for (let i = 0; i < layers; i++) figure.data[i].visible = i === Number(holder.dataset.layer);
    }
    if (isDark()) figure = themed(figure, false);
    figure.layout.width = printing ? printWidth : Math.max(leastWidth, holder.clientWidth);
    if (printing) figure.layout.height *= 0.85;
    holder.style.minHeight = `${figure.layout.height}px`;
    const roomy = holder.clientWidth >= 900; // else the buttons would cover the legend
    Plotly.react(holder, figure.data, figure.layout, { ...config, displayModeBar: roomy ? "hover" : false });
    holder.dataset.drawn = isDark() ? "dark" : "light";
  }

  // One after the other, with a pause for the browser to show what is there: the first one at once.
  function drawInTurn(waiting) {
    if (waiting.length === 0) {
      root.dataset.drawn = "all";
      return;
    }
    draw(waiting[0]);
    window.requestAnimationFrame(() =>
      window.setTimeout(() => {
        if (waiting.length === figures.length) performance.mark("first figure");
        drawInTurn(waiting.slice(1));
      }, 0)
    );
  }

  const themeButton = document.getElementById("theme");

  function themeChanged() {
    themeButton.textContent = isDark() ? "light" : "dark";
    figures.filter((holder) => holder.dataset.drawn).forEach(draw);
  }

  themeButton.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    themeChanged();
  });
  prefersDark.addEventListener("change", themeChanged);
  let resizing = 0;
  window.addEventListener("resize", () => {
    window.clearTimeout(resizing);
    resizing = window.setTimeout(
      () =>
        figures
          .filter((one) => one.dataset.drawn && Math.max(leastWidth, one.clientWidth) !== one.layout.width)
          .forEach(draw),
      100
    );
  });
  window.addEventListener("beforeprint", () => {
    printing = true;
    figures.forEach(draw);
  });
  window.addEventListener("afterprint", () => {
    printing = false;
    figures.forEach(draw);
  });

  function enablePager(pager) {
    const holder = document.getElementById(`figure-${pager.dataset.of}`);
    const pages = Number(pager.dataset.pages);
    const buttons = Array.from(pager.querySelectorAll("button"));
    function show(page) {
      holder.dataset.page = page;
      draw(holder);
      pager.querySelector("output").textContent = `page ${page + 1} of ${pages}`;
      buttons[0].disabled = page === 0;
      buttons[1].disabled = page === pages - 1;
    }
    buttons.forEach((button) =>
      button.addEventListener("click", () => show(Number(holder.dataset.page || 0) + Number(button.dataset.step)))
    );
    buttons[0].disabled = true;
  }

  function enableLayers(group) {
    const holder = document.getElementById(`figure-${group.dataset.of}`);
    const buttons = Array.from(group.querySelectorAll("button"));
    buttons.forEach((button, layer) =>
      button.addEventListener("click", () => {
        holder.dataset.layer = layer;
        draw(holder);
        buttons.forEach((other) => other.setAttribute("aria-pressed", other === button));
      })
    );
  }

  const collator = new Intl.Collator("en", { numeric: true });

  function valueOf(row, column) {
    const cell = row.cells[column];
    return cell.dataset.v === undefined ? cell.textContent : Number(cell.dataset.v);
  }

  function compare(a, b) {
    return typeof a === "number" && typeof b === "number" ? a - b : collator.compare(String(a), String(b));
  }

  function sortBy(table, column) {
    const heads = Array.from(table.tHead.rows[0].cells);
    const first = heads[column].classList.contains("n") ? "descending" : "ascending";
    const second = first === "ascending" ? "descending" : "ascending";
    const direction = heads[column].getAttribute("aria-sort") === first ? second : first;
    heads.forEach((head, i) => head.setAttribute("aria-sort", i === column ? direction : "none"));
    const sign = direction === "ascending" ? 1 : -1;
    const body = table.tBodies[0];
    const keyed = Array.from(body.rows, (row) => [valueOf(row, column), row]);
    keyed.sort((a, b) => sign * compare(a[0], b[0]));
    body.append(...keyed.map((pair) => pair[1]));
  }

  // The tables follow this script, so that nobody waits for them to see the first figure.
  function enableTables() {
    document.querySelectorAll("table").forEach((table) =>
      Array.from(table.tHead.rows[0].cells).forEach((head, column) =>
        head.querySelector("button").addEventListener("click", () => sortBy(table, column))
      )
    );
    document.querySelectorAll("input[data-table]").forEach((input) =>
      input.addEventListener("input", () => {
        const wanted = input.value.toLowerCase();
        for (const row of document.getElementById(input.dataset.table).tBodies[0].rows) {
          row.hidden = !row.textContent.toLowerCase().includes(wanted);
        }
      })
    );
  }

  document.addEventListener("DOMContentLoaded", enableTables);
  document.querySelectorAll(".pager").forEach(enablePager);
  document.querySelectorAll(".layers").forEach(enableLayers);
  themeButton.textContent = isDark() ? "light" : "dark";
  unpackPlotly().then(
    () => drawInTurn(figures),
    (error) => {
      const sentence = document.getElementById("no-figures");
      sentence.textContent = `This browser cannot show the figures (${error}); take one of 2023 or later. The tables need nothing.`;
      sentence.className = "nothing";
      sentence.hidden = false;
    }
  );
})();
