using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Hive.Common.Linux;

/// <summary>The functions of libseccomp that Hive uses. Bubblewrap's and systemd's packages bring it.</summary>
internal static unsafe partial class LibSeccomp
{
    private const string Name = "libseccomp.so.2";

    [LibraryImport(Name, EntryPoint = "seccomp_init")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial nint Create(uint otherwise);

    [LibraryImport(Name, EntryPoint = "seccomp_release")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial void Release(nint filter);

    [LibraryImport(Name, EntryPoint = "seccomp_arch_native")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial uint Native();

    [LibraryImport(Name, EntryPoint = "seccomp_arch_resolve_name", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial uint Architecture(string name);

    [LibraryImport(Name, EntryPoint = "seccomp_arch_add")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial int AddArchitecture(nint filter, uint architecture);

    [LibraryImport(Name, EntryPoint = "seccomp_syscall_resolve_name", StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial int Number(string call);

    [LibraryImport(Name, EntryPoint = "seccomp_rule_add_array")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial int Add(nint filter, uint action, int call, uint count, ArgumentCondition* conditions);

    [LibraryImport(Name, EntryPoint = "seccomp_export_bpf")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial int Export(nint filter, SafeFileHandle file);

    [LibraryImport(Name, EntryPoint = "seccomp_attr_set")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial int SetAttribute(nint filter, int attribute, uint value);

    [LibraryImport(Name, EntryPoint = "seccomp_load")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    public static partial int Load(nint filter);
}
