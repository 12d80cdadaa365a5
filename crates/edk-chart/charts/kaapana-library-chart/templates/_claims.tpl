{{- /* Takes "scope", "volume" and "namespace". */ -}}
{{- define "kaapana.library.claimObject" -}}
{{- $global := .scope.Values.global -}}
{{- $kind := .volume.storage_class | default "fast" -}}
{{- $class := index $global (printf "storage_class_%s" $kind) | default "" -}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: {{ include "kaapana.library.claim" (dict "scope" .scope "volume" .volume) }}
  namespace: {{ .namespace }}
  {{- if not (has "kaapanamultiinstallable" .scope.Chart.Keywords) }}
  annotations:
    helm.sh/resource-policy: keep
  {{- end }}
spec:
  {{- with $class }}
  storageClassName: {{ . | quote }}
  {{- end }}
  accessModes:
    {{- if and (eq $kind "workflow") (not (contains "hostpath" $class)) }}
    - ReadWriteMany
    {{- else }}
    - ReadWriteOnce
    {{- end }}
  resources:
    requests:
      storage: {{ .volume.storage | default "10Gi" }}
{{- end }}

{{- define "dynamicPersistentVolumes" }}
{{- $scope := . }}
{{- $namespace := include "kaapana.library.namespace" . }}
{{- range .Values.global.dynamicVolumes }}
{{- if not .use_existing_pvc }}
{{ include "kaapana.library.claimObject" (dict "scope" $scope "volume" . "namespace" $namespace) }}
{{- end }}
{{- end }}
{{- end }}

{{- define "projectPersistentVolumes" }}
{{- $scope := . }}
{{- $namespace := include "kaapana.library.projectNamespace" . }}
{{- range .Values.global.dynamicVolumes }}
{{- if not .use_existing_pvc }}
{{ include "kaapana.library.claimObject" (dict "scope" $scope "volume" . "namespace" $namespace) }}
{{- end }}
{{- end }}
{{- end }}
