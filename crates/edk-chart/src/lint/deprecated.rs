//! Which APIs of Kubernetes are deprecated, and since when.
//!
//! The life of an API is published with it ("Deprecated API Migration Guide" of the Kubernetes
//! documentation); the table is what the linter of Helm 3.17 says of every kind and version that
//! Kubernetes 1.32 knows.

use super::{HelmVersion, LintOptions};
use crate::version::Version;

/// API, minor version from which it is deprecated, minor version from which it is gone (0: not
/// yet), the API to use instead (empty: none), and the kinds.
type Row = (&'static str, u64, u64, &'static str, &'static [&'static str]);

#[rustfmt::skip]
const TABLE: &[Row] = &[
    ("admissionregistration.k8s.io/v1alpha1", 29, 32, "", &["ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"]),
    ("admissionregistration.k8s.io/v1alpha1", 35, 38, "", &["MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding"]),
    ("admissionregistration.k8s.io/v1beta1", 16, 22, "admissionregistration.k8s.io/v1", &["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"]),
    ("admissionregistration.k8s.io/v1beta1", 31, 34, "", &["ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"]),
    ("apps/v1beta1", 8, 16, "apps/v1", &["ControllerRevision", "Deployment", "DeploymentRollback", "StatefulSet"]),
    ("apps/v1beta1", 8, 16, "autoscaling/v1", &["Scale"]),
    ("apps/v1beta2", 9, 16, "apps/v1", &["ControllerRevision", "DaemonSet", "Deployment", "ReplicaSet", "StatefulSet"]),
    ("apps/v1beta2", 9, 16, "autoscaling/v1", &["Scale"]),
    ("authentication.k8s.io/v1alpha1", 29, 32, "", &["SelfSubjectReview"]),
    ("authentication.k8s.io/v1beta1", 19, 22, "authentication.k8s.io/v1", &["TokenReview"]),
    ("authentication.k8s.io/v1beta1", 30, 33, "", &["SelfSubjectReview"]),
    ("authorization.k8s.io/v1beta1", 19, 22, "authorization.k8s.io/v1", &["LocalSubjectAccessReview", "SelfSubjectAccessReview", "SelfSubjectRulesReview", "SubjectAccessReview"]),
    ("autoscaling/v2beta1", 22, 25, "autoscaling/v2", &["HorizontalPodAutoscaler"]),
    ("autoscaling/v2beta2", 23, 26, "autoscaling/v2", &["HorizontalPodAutoscaler"]),
    ("batch/v1beta1", 21, 25, "batch/v1", &["CronJob"]),
    ("certificates.k8s.io/v1alpha1", 34, 37, "", &["ClusterTrustBundle"]),
    ("certificates.k8s.io/v1beta1", 19, 22, "certificates.k8s.io/v1", &["CertificateSigningRequest"]),
    ("coordination.k8s.io/v1alpha2", 35, 38, "", &["LeaseCandidate"]),
    ("coordination.k8s.io/v1beta1", 19, 22, "coordination.k8s.io/v1", &["Lease"]),
    ("discovery.k8s.io/v1beta1", 21, 25, "discovery.k8s.io/v1", &["EndpointSlice"]),
    ("events.k8s.io/v1beta1", 22, 25, "", &["Event"]),
    ("extensions/v1beta1", 2, 16, "", &["Scale"]),
    ("extensions/v1beta1", 8, 16, "", &["DeploymentRollback"]),
    ("extensions/v1beta1", 8, 16, "apps/v1", &["DaemonSet", "Deployment", "ReplicaSet"]),
    ("extensions/v1beta1", 9, 16, "networking.k8s.io/v1", &["NetworkPolicy"]),
    ("extensions/v1beta1", 14, 22, "networking.k8s.io/v1", &["Ingress"]),
    ("flowcontrol.apiserver.k8s.io/v1beta1", 23, 26, "flowcontrol.apiserver.k8s.io/v1beta3", &["FlowSchema", "PriorityLevelConfiguration"]),
    ("flowcontrol.apiserver.k8s.io/v1beta2", 26, 29, "flowcontrol.apiserver.k8s.io/v1beta3", &["FlowSchema", "PriorityLevelConfiguration"]),
    ("flowcontrol.apiserver.k8s.io/v1beta3", 29, 32, "flowcontrol.apiserver.k8s.io/v1", &["FlowSchema", "PriorityLevelConfiguration"]),
    ("networking.k8s.io/v1alpha1", 30, 33, "", &["IPAddress", "ServiceCIDR"]),
    ("networking.k8s.io/v1beta1", 19, 22, "networking.k8s.io/v1", &["Ingress", "IngressClass"]),
    ("networking.k8s.io/v1beta1", 34, 37, "", &["IPAddress", "ServiceCIDR"]),
    ("node.k8s.io/v1beta1", 22, 25, "", &["RuntimeClass"]),
    ("policy/v1beta1", 21, 25, "policy/v1", &["PodDisruptionBudget"]),
    ("policy/v1beta1", 22, 25, "", &["Eviction"]),
    ("rbac.authorization.k8s.io/v1beta1", 17, 22, "rbac.authorization.k8s.io/v1", &["ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"]),
    ("resource.k8s.io/v1alpha3", 34, 37, "resource.k8s.io/v1beta1", &["DeviceClass", "ResourceClaim", "ResourceClaimTemplate", "ResourceSlice"]),
    ("resource.k8s.io/v1beta1", 35, 38, "", &["DeviceClass", "ResourceClaim", "ResourceClaimTemplate", "ResourceSlice"]),
    ("scheduling.k8s.io/v1beta1", 14, 22, "scheduling.k8s.io/v1", &["PriorityClass"]),
    ("storage.k8s.io/v1alpha1", 21, 24, "storage.k8s.io/v1", &["VolumeAttachment"]),
    ("storage.k8s.io/v1alpha1", 21, 24, "storage.k8s.io/v1beta1", &["CSIStorageCapacity"]),
    ("storage.k8s.io/v1alpha1", 32, 35, "", &["VolumeAttributesClass"]),
    ("storage.k8s.io/v1beta1", 17, 22, "storage.k8s.io/v1", &["CSINode"]),
    ("storage.k8s.io/v1beta1", 19, 22, "storage.k8s.io/v1", &["CSIDriver", "StorageClass", "VolumeAttachment"]),
    ("storage.k8s.io/v1beta1", 24, 27, "storage.k8s.io/v1", &["CSIStorageCapacity"]),
    ("storage.k8s.io/v1beta1", 34, 37, "", &["VolumeAttributesClass"]),
    ("storagemigration.k8s.io/v1alpha1", 33, 36, "", &["StorageVersionMigration"]),
    ("v1", 19, 0, "", &["ComponentStatus"]),
];

/// What Kubernetes deprecated after the version that Helm 3.17 knows.
const NEWER: &[Row] = &[("v1", 33, 0, "discovery.k8s.io/v1", &["Endpoints"])];

/// Returns what to say of an object of a deprecated API, in the cluster of `options`.
pub(super) fn notice(api_version: &str, kind: &str, options: &LintOptions) -> Option<String> {
    let version = Version::lenient(&options.kube_version)?;
    let single = kind.strip_suffix("List").unwrap_or(kind);
    let named = |(api, .., kinds): &&Row| {
        *api == api_version && (kinds.contains(&kind) || kinds.contains(&single))
    };
    let newer = if options.helm == HelmVersion::Four { NEWER } else { &[] };
    let (api, since, gone, instead, _) = TABLE.iter().chain(newer).find(named)?;
    if version.major == 1 && version.minor < *since {
        return None;
    }
    let mut text = format!("{api} {kind} is deprecated since Kubernetes 1.{since}");
    if *gone > 0 {
        text.push_str(&format!(" and gone in 1.{gone}"));
    }
    if !instead.is_empty() {
        text.push_str(&format!("; use {instead}"));
    }
    Some(text)
}
