{{- /* A folder of the host as volume and claim. Takes "claim", "path", "storage", "namespace". */ -}}
{{- define "kaapana.library.hostVolume" -}}
---
apiVersion: v1
kind: PersistentVolume
metadata:
  name: {{ printf "%s-%s" .namespace .claim | trunc 253 }}
spec:
  capacity:
    storage: {{ .storage }}
  accessModes:
    - ReadWriteOnce
  persistentVolumeReclaimPolicy: Retain
  storageClassName: host-dir
  claimRef:
    name: {{ .claim }}
    namespace: {{ .namespace }}
  hostPath:
    path: {{ .path | quote }}
    type: DirectoryOrCreate
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  name: {{ .claim }}
  namespace: {{ .namespace }}
spec:
  storageClassName: host-dir
  volumeName: {{ printf "%s-%s" .namespace .claim | trunc 253 }}
  accessModes:
    - ReadWriteOnce
  resources:
    requests:
      storage: {{ .storage }}
{{- end }}

{{- define "dynamicSharedVolumes" }}
{{- $scope := . }}
{{- $namespace := include "kaapana.library.namespace" . }}
{{- range .Values.global.sharedVolumes }}
{{- if and .host_path (not .use_existing_pvc) }}
{{- $claim := include "kaapana.library.claim" (dict "scope" $scope "volume" .) }}
{{- $path := tpl .host_path $scope }}
{{ include "kaapana.library.hostVolume" (dict "claim" $claim "path" $path "storage" (.storage | default "10Gi") "namespace" $namespace) }}
{{- end }}
{{- end }}
{{- end }}

{{- define "devPersistentVolumes" }}
{{- with .Values.global.dev_files }}
{{- $claim := printf "dev-files-%s-pv-claim" $.Release.Name }}
{{- $namespace := include "kaapana.library.namespace" $ }}
{{ include "kaapana.library.hostVolume" (dict "claim" $claim "path" . "storage" "1Mi" "namespace" $namespace) }}
{{- end }}
{{- end }}
