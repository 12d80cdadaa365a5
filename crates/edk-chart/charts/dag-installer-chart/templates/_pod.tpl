{{- /*
The pod of both jobs. Takes a dictionary: "root" (the scope of the chart), "name" (of the
container), "action" and "pull" (the pull policy).
*/ -}}
{{- define "dag-installer.pod" -}}
{{- $global := .root.Values.global -}}
{{- $custom := default "" $global.custom_registry_url -}}
restartPolicy: Never
{{- with $global.main_node_name }}
nodeSelector:
  kubernetes.io/hostname: {{ . | quote }}
{{- end }}
imagePullSecrets:
  - name: registry-secret
  {{- if $custom }}
  - name: registry-secret-{{ $custom | sha256sum | trunc 4 }}
  {{- end }}
containers:
  - name: {{ .name }}
    image: {{ printf "%s/%s:%s" (default $global.registry_url $custom) $global.image .root.Chart.Version | quote }}
    imagePullPolicy: {{ .pull }}
    env:
      - name: ACTION
        value: {{ .action | quote }}
      - name: ADMIN_NAMESPACE
        value: {{ $global.admin_namespace | quote }}
      - name: SERVICES_NAMESPACE
        value: {{ $global.services_namespace | quote }}
      - name: KAAPANA_BUILD_VERSION
        value: {{ $global.kaapana_build_version | quote }}
      - name: KAAPANA_DEFAULT_REGISTRY
        value: {{ $global.registry_url | quote }}
      - name: DOCKER_VERSION
        value: {{ .root.Chart.Version | quote }}
    resources:
      requests:
        memory: 64Mi
      limits:
        memory: 512Mi
    volumeMounts:
      - name: dags
        mountPath: /kaapana/mounted/workflows/dags
      - name: plugins
        mountPath: /kaapana/mounted/workflows/plugins
volumes:
  - name: dags
    persistentVolumeClaim:
      claimName: dags-pv-claim
  - name: plugins
    persistentVolumeClaim:
      claimName: af-plugins-pv-claim
{{- end }}
