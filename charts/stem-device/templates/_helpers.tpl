{{- define "stem-device.chart" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end }}

{{- define "stem-device.name" -}}
{{- $chart := include "stem-device.chart" . -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else if contains $chart .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $chart | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end }}

{{- define "stem-device.selector" -}}
app.kubernetes.io/name: {{ include "stem-device.chart" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- /* commonLabels never replace those by which objects find each other. */}}
{{- define "stem-device.labels" -}}
{{- $own := dict
  "app.kubernetes.io/name" (include "stem-device.chart" .)
  "app.kubernetes.io/instance" .Release.Name
  "app.kubernetes.io/version" .Chart.AppVersion
  "app.kubernetes.io/managed-by" .Release.Service
  "helm.sh/chart" (printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_")
-}}
{{- toYaml (merge $own .Values.commonLabels) -}}
{{- end }}

{{- define "stem-device.serviceAccount" -}}
{{- .Values.serviceAccount.name | default (.Values.serviceAccount.create | ternary (include "stem-device.name" .) "default") -}}
{{- end }}

{{- define "stem-device.claim" -}}
{{- .Values.persistence.existingClaim | default (include "stem-device.name" .) -}}
{{- end }}

{{- define "stem-device.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{- printf "%s@%s" .repository .digest -}}
{{- else -}}
{{- printf "%s:%s" .repository (.tag | default $.Chart.AppVersion) -}}
{{- end -}}
{{- end -}}
{{- end }}

{{- define "stem-device.scheme" -}}
{{- .Values.http.tlsSecret | empty | ternary "HTTP" "HTTPS" -}}
{{- end }}

{{- /* A value as a Tango property has it. Numbers of values.yaml are floats: 1000000000 would be 1e+09. */}}
{{- define "stem-device.line" -}}
{{- if and (kindIs "float64" .) (eq (floor .) .) (lt . 9e15) (gt . -9e15) -}}
{{- int64 . -}}
{{- else -}}
{{- toString . -}}
{{- end -}}
{{- end }}

{{- /* An argument of a container, in which Kubernetes would put variables in place of $(NAME). */}}
{{- define "stem-device.argument" -}}
{{- . | replace "$(" "$$(" | quote -}}
{{- end }}

{{- /* The properties that the chart itself sets. */}}
{{- define "stem-device.ownProperties" -}}
RecordingDirectory: /recordings
HttpAddress: {{ printf "%s:%v" .Values.http.address (int .Values.http.port) | quote }}
HttpTokenFile: {{ .Values.http.tokenSecret | empty | ternary "" (printf "/etc/stem/token/%s" .Values.http.tokenKey) | quote }}
HttpCertificateFile: {{ .Values.http.tlsSecret | empty | ternary "" "/etc/stem/tls/tls.crt" | quote }}
HttpKeyFile: {{ .Values.http.tlsSecret | empty | ternary "" "/etc/stem/tls/tls.key" | quote }}
{{- end }}

{{- /* What both containers of the pod have in common. */}}
{{- define "stem-device.container" -}}
image: {{ include "stem-device.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
env:
  - name: TANGO_HOST
    value: {{ .Values.tangoHost | quote }}
  - name: TANGO_ZMQ_EVENT_PORT
    value: {{ int .Values.eventPort | quote }}
  - name: TANGO_ZMQ_HEARTBEAT_PORT
    value: {{ int .Values.heartbeatPort | quote }}
  {{- with .Values.extraEnv }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with .Values.extraEnvFrom }}
envFrom:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.securityContext }}
securityContext:
  {{- toYaml . | nindent 2 }}
{{- end }}
volumeMounts:
  - name: recordings
    mountPath: /recordings
  - name: tmp
    mountPath: /tmp
  {{- if .Values.http.tokenSecret }}
  - name: token
    mountPath: /etc/stem/token
    readOnly: true
  {{- end }}
  {{- if .Values.http.tlsSecret }}
  - name: tls
    mountPath: /etc/stem/tls
    readOnly: true
  {{- end }}
  {{- with .Values.extraVolumeMounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{- /* httpGet of one path, and the numbers of a probe. */}}
{{- define "stem-device.probe" -}}
httpGet:
  path: {{ .path }}
  port: http
  scheme: {{ include "stem-device.scheme" .root }}
{{ toYaml .numbers }}
{{- end }}
