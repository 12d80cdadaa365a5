//! Which system calls a process in a container can't make.
//!
//! A list of what is denied, written from the documentation of container engines ("Significant
//! syscalls blocked by the default profile", Docker's page on seccomp) and from the manual pages of
//! what came later: loading kernel code, mounts and namespaces, clocks, keys, swapping, tracing the
//! machine, io_uring, and what is obsolete. A list of what is allowed would have to follow every new
//! kernel, and break programs until it does; what it would keep out beyond this is guarded by the
//! capabilities that a container lacks.
//!
//! Set-user-id programs keep working (`no_new_privs` is not set), as with container engines: the
//! filter is installed while the helper may still do that without it.

use std::{collections::BTreeMap, io};

use nix::libc;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen as Len, SeccompCmpOp as Op, SeccompCondition,
    SeccompFilter, SeccompRule, TargetArch,
};

/// Denied whatever their arguments are.
const DENIED: &[i64] = &[
    // Kernel code, and another kernel.
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_kexec_file_load,
    libc::SYS_reboot,
    libc::SYS_bpf,
    // Mounts and roots.
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_fsopen,
    libc::SYS_fsconfig,
    libc::SYS_fsmount,
    libc::SYS_fspick,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_mount_setattr,
    // Files by handle, which lead out of a mount.
    libc::SYS_open_by_handle_at,
    libc::SYS_lookup_dcookie,
    libc::SYS_quotactl,
    libc::SYS_quotactl_fd,
    libc::SYS_fanotify_init,
    // Namespaces.
    libc::SYS_setns,
    libc::SYS_unshare,
    // Clocks, which have no namespace.
    libc::SYS_settimeofday,
    libc::SYS_clock_settime,
    libc::SYS_clock_adjtime,
    libc::SYS_adjtimex,
    // Keys of the kernel, which have none either.
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_keyctl,
    // The machine as a whole.
    libc::SYS_acct,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_syslog,
    libc::SYS_perf_event_open,
    libc::SYS_kcmp,
    libc::SYS_vhangup,
    libc::SYS_nfsservctl,
    // Large surfaces that were left through before.
    libc::SYS_userfaultfd,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    // Memory of other nodes.
    libc::SYS_mbind,
    libc::SYS_move_pages,
    libc::SYS_migrate_pages,
];

/// What only this processor has, or had once.
#[cfg(target_arch = "x86_64")]
const OBSOLETE: &[i64] = &[
    libc::SYS_iopl,
    libc::SYS_ioperm,
    libc::SYS_sysfs,
    libc::SYS__sysctl,
    libc::SYS_uselib,
    libc::SYS_ustat,
];
#[cfg(not(target_arch = "x86_64"))]
const OBSOLETE: &[i64] = &[];

/// Flags of clone(2) that make namespaces.
const NAMESPACES: u64 = (libc::CLONE_NEWNS
    | libc::CLONE_NEWCGROUP
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUSER
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWNET) as u64;

/// Personalities other than these are denied: they switch protections off (personality(2)).
const PERSONALITIES: [u64; 5] = [0, 0x8, 0x20000, 0x20008, 0xffff_ffff];

/// Sockets to the host of a virtual machine.
const AF_VSOCK: u64 = 40;

/// Changes of owners and users, which mean nothing where there is one id: they succeed and do
/// nothing, so that package managers work.
const PRETENDED: &[i64] = &[
    libc::SYS_chown,
    libc::SYS_lchown,
    libc::SYS_fchown,
    libc::SYS_fchownat,
    libc::SYS_setuid,
    libc::SYS_setgid,
    libc::SYS_setreuid,
    libc::SYS_setregid,
    libc::SYS_setresuid,
    libc::SYS_setresgid,
    libc::SYS_setfsuid,
    libc::SYS_setfsgid,
    libc::SYS_setgroups,
    libc::SYS_capset,
];

/// Installs the filters for the program that this process becomes; asks for `CAP_SYS_ADMIN`.
pub(crate) fn install() -> io::Result<()> {
    let denied = DENIED.iter().chain(OBSOLETE).copied();
    load(&filter(always(denied), libc::EPERM)?)?;
    load(&filter(by_argument()?, libc::EPERM)?)?;
    // Its flags can't be looked at; programs then fall back to clone(2).
    load(&filter(always([libc::SYS_clone3]), libc::ENOSYS)?)
}

/// Lets changes of owners and users succeed without being made. Where there is one id, programs
/// that would gain another by being started have nothing to gain.
pub(crate) fn pretend() -> io::Result<()> {
    nix::sys::prctl::set_no_new_privs()?;
    load(&filter(always(PRETENDED.iter().copied()), 0)?)
}

type Rules = BTreeMap<i64, Vec<SeccompRule>>;

fn always(calls: impl IntoIterator<Item = i64>) -> Rules {
    calls.into_iter().map(|call| (call, Vec::new())).collect()
}

fn by_argument() -> io::Result<Rules> {
    let condition = |index, operator, value| {
        SeccompCondition::new(index, Len::Qword, operator, value).map_err(io::Error::other)
    };
    let rule = |conditions| SeccompRule::new(conditions).map_err(io::Error::other);
    let mut clone = Vec::new();
    for bit in (0..64).map(|bit| 1_u64 << bit).filter(|bit| NAMESPACES & bit != 0) {
        clone.push(rule(vec![condition(0, Op::MaskedEq(bit), bit)?])?);
    }
    let others = PERSONALITIES.iter().map(|&value| {
        SeccompCondition::new(0, Len::Dword, Op::Ne, value).map_err(io::Error::other)
    });
    let personality = vec![rule(others.collect::<io::Result<Vec<_>>>()?)?];
    let vsock = SeccompCondition::new(0, Len::Dword, Op::Eq, AF_VSOCK).map_err(io::Error::other)?;
    Ok(BTreeMap::from([
        (libc::SYS_clone, clone),
        (libc::SYS_personality, personality),
        (libc::SYS_socket, vec![rule(vec![vsock])?]),
    ]))
}

fn filter(rules: Rules, errno: i32) -> io::Result<BpfProgram> {
    let arch = TargetArch::try_from(std::env::consts::ARCH).map_err(io::Error::other)?;
    let denied = SeccompAction::Errno(errno.cast_unsigned());
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, denied, arch);
    filter.map_err(io::Error::other)?.try_into().map_err(io::Error::other)
}

/// seccomp(2); not through the crate, which sets `no_new_privs` first.
fn load(program: &BpfProgram) -> io::Result<()> {
    let length = u16::try_from(program.len()).map_err(io::Error::other)?;
    let program = libc::sock_fprog {
        len: length,
        filter: program.as_ptr().cast_mut().cast::<libc::sock_filter>(),
    };
    // SAFETY: the program is well-formed and outlives the call; `sock_filter` has one layout.
    let result = unsafe {
        libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, 0_u64, &raw const program)
    };
    if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}
