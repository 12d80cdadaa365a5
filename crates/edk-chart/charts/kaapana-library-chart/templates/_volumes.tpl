{{- /* The claim of a volume: of its own for each launch of a chart that can be launched often. */ -}}
{{- define "kaapana.library.claim" -}}
{{- $volume := .volume -}}
{{- if $volume.use_existing_pvc -}}
{{- $volume.use_existing_pvc -}}
{{- else if has "kaapanamultiinstallable" .scope.Chart.Keywords -}}
{{- printf "%s-%s-pv-claim" $volume.name .scope.Release.Name -}}
{{- else -}}
{{- printf "%s-pv-claim" $volume.name -}}
{{- end -}}
{{- end }}

{{- define "dynamicVolumes" }}
{{- $scope := . }}
{{- range concat (.Values.global.dynamicVolumes | default list) (.Values.global.sharedVolumes | default list) }}
- name: {{ .name }}
  persistentVolumeClaim:
    claimName: {{ include "kaapana.library.claim" (dict "scope" $scope "volume" .) }}
{{- end }}
{{- if .Values.global.dev_files }}
- name: dev-files
  persistentVolumeClaim:
    claimName: {{ printf "dev-files-%s-pv-claim" .Release.Name }}
{{- end }}
{{- with .Values.global.workflow_configmap_name }}
- name: workflow-config
  configMap:
    name: {{ . }}
{{- end }}
{{- end }}

{{- define "dynamicVolumeMounts" }}
{{- range concat (.Values.global.dynamicVolumes | default list) (.Values.global.sharedVolumes | default list) }}
- name: {{ .name }}
  mountPath: {{ .mount_path | quote }}
  {{- with .sub_path }}
  subPath: {{ . | quote }}
  {{- end }}
  {{- if .read_only }}
  readOnly: true
  {{- end }}
{{- end }}
{{- if .Values.global.dev_files }}
- name: dev-files
  mountPath: /kaapana/app
{{- end }}
{{- if .Values.global.workflow_configmap_name }}
- name: workflow-config
  mountPath: {{ printf "%s/conf" (.Values.global.workflow_dir | default "/kaapana/mounted/workflow") | quote }}
{{- end }}
{{- end }}
