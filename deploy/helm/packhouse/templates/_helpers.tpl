{{/* The name of all objects: the release's, with "packhouse" in it once. */}}
{{- define "packhouse.name" -}}
{{- if contains "packhouse" .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-packhouse" (.Release.Name | trunc 30 | trimSuffix "-") -}}
{{- end -}}
{{- end -}}

{{/* Two releases may share a namespace's selector space: the instance tells them apart. */}}
{{- define "packhouse.selector" -}}
app.kubernetes.io/name: packhouse
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "packhouse.labels" -}}
{{ include "packhouse.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "packhouse.image" -}}
{{- with .Values.image -}}
{{- if .digest -}}
{{ .repository }}@{{ .digest }}
{{- else -}}
{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* One setting as the environment wants it. Helm reads 1048576 as a float and would write 1.048576e+06. */}}
{{- define "packhouse.setting" -}}
{{- if kindIs "slice" . -}}
{{- join "," . -}}
{{- else if and (kindIs "float64" .) (eq . (floor .)) -}}
{{- int64 . -}}
{{- else -}}
{{- . -}}
{{- end -}}
{{- end -}}

{{/* The settings as environment variables. Both containers get them: render_* is read by the renderer. */}}
{{- define "packhouse.settings" -}}
{{- $settings := merge (dict "values_schema_check" .Values.valuesSchemaCheck) .Values.settings (dict "log_format" "json") -}}
{{- range $name := keys $settings | sortAlpha }}
- name: PACKHOUSE_{{ upper $name }}
  value: {{ include "packhouse.setting" (get $settings $name) | quote }}
{{- end -}}
{{- end -}}

{{- define "packhouse.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end -}}
