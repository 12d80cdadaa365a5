{{- /*
All named templates take the scope of the chart that includes them. What they give begins with a
line end and is not indented, so that it can be piped to `indent` or `nindent` anywhere.
*/ -}}

{{- define "kaapana.nodeSelector" }}
{{- with .Values.global.storage_node }}
nodeSelector:
  kaapana.io/node: {{ . | quote }}
{{- end }}
{{- end }}

{{- /* The namespace the chart wants to run in: that of services, unless it names one. */ -}}
{{- define "kaapana.library.namespace" -}}
{{- $services := .Values.global.services_namespace | default .Release.Namespace -}}
{{- tpl (.Values.global.namespace | default $services) . -}}
{{- end }}

{{- /* The same in the namespace of the project that launched the chart. */ -}}
{{- define "kaapana.library.projectNamespace" -}}
{{- .Values.global.project_namespace | default (include "kaapana.library.namespace" .) -}}
{{- end }}
