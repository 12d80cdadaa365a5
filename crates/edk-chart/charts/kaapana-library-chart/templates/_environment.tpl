{{- define "dynamicEnvs" }}
{{- range .Values.global.envVars }}
- name: {{ .name | quote }}
  value: {{ .value | toString | quote }}
{{- end }}
{{- end }}

{{- define "dynamicEnvsFromSecretRef" }}
{{- range .Values.global.envVarsFromSecretRef }}
- name: {{ .name | quote }}
  valueFrom:
    secretKeyRef:
      name: {{ .secret_name | quote }}
      key: {{ .secret_key | quote }}
{{- end }}
{{- end }}

{{- define "dynamicLabels" }}
{{- range .Values.global.labels }}
{{ .name }}: {{ .value | toString | quote }}
{{- end }}
{{- end }}
