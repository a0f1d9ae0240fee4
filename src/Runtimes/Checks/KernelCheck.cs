using System.ComponentModel;
using System.Globalization;
using Hive.Common.Doctor;
using Hive.Common.Errors;
using Hive.Common.Linux;
using Hive.Protocol;

namespace Hive.Runtimes.Checks;

/// <summary>Checks the parts of the kernel and the programs of the system that containers need.</summary>
internal sealed class KernelCheck : ICheck
{
    private const string Kernel = "kernel";
    private const string Programs = "programs";

    // Hive uses one watch for each folder below applied/, one instance for each follower of a log and one for the
    // configurations; a desktop uses some hundred too.
    private const int FewWatches = 8192;
    private const int FewInstances = 128;

    public async Task<IReadOnlyList<Finding>> Run(CancellationToken ct) =>
        [Pidfd(), await UserNamespaces(ct), Inotify(), Harness(), await Git(ct), Tools()];

    private static Finding Pidfd()
    {
        const string Name = "pidfd";
        try
        {
            using var self = LinuxProcess.Open(Environment.ProcessId);
            return new Finding(Kernel, Name, FindingState.Ok, "an agent's end is noticed at once");
        }
        catch (Win32Exception e)
        {
            return new Finding(
                Kernel,
                Name,
                FindingState.Failed,
                $"pidfd_open fails ({e.Message}), so an agent's end would go unnoticed",
                "Use Linux 5.3 or later, without a system call filter that forbids it."
            );
        }
    }

    private static async Task<Finding> UserNamespaces(CancellationToken ct)
    {
        const string Name = "user namespaces";
        try
        {
            var (code, error) = await Trial.Run(["unshare", "--user", "--map-root-user", "true"], ct);
            return code == 0
                ? new Finding(Kernel, Name, FindingState.Ok, "can be created")
                : new Finding(
                    Kernel,
                    Name,
                    FindingState.Absent,
                    $"cannot be created ({error}); needed for 'sandbox' and podman without root",
                    Policy()
                );
        }
        catch (TimeoutException e)
        {
            return new Finding(Kernel, Name, FindingState.Absent, e.Message, Policy());
        }
        catch (Win32Exception)
        {
            return new Finding(
                Kernel,
                Name,
                FindingState.Absent,
                "not tried: unshare is not installed",
                "Install util-linux."
            );
        }
    }

    private static string Policy() =>
        Setting("/proc/sys/kernel/unprivileged_userns_clone") == 0 ? "sysctl -w kernel.unprivileged_userns_clone=1"
        : Setting("/proc/sys/kernel/apparmor_restrict_unprivileged_userns") == 1
            ? "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"
        : Setting("/proc/sys/user/max_user_namespaces") == 0 ? "sysctl -w user.max_user_namespaces=15000"
        : "Something around Hive forbids them, perhaps a container: start Hive outside of it, or as root.";

    private static Finding Inotify()
    {
        const string Name = "inotify";
        const string Advice = $"sysctl -w fs.inotify.max_user_watches=65536 fs.inotify.max_user_instances=512";
        var (watches, instances) = (
            Setting("/proc/sys/fs/inotify/max_user_watches"),
            Setting("/proc/sys/fs/inotify/max_user_instances")
        );
        var limits = string.Create(CultureInfo.InvariantCulture, $"{watches} watches, {instances} instances");
        try
        {
            using var trial = new FileSystemWatcher("/proc/self") { EnableRaisingEvents = true };
        }
        catch (IOException e)
        {
            return new Finding(Kernel, Name, FindingState.Failed, $"no watch is left ({limits}): {e.Message}", Advice);
        }

        return watches < FewWatches || instances < FewInstances
            ? new Finding(
                Kernel,
                Name,
                FindingState.Ok,
                $"works, but the limits are low for many agents: {limits}",
                Advice
            )
            : new Finding(Kernel, Name, FindingState.Ok, limits);
    }

    private static Finding Harness() =>
        HarnessBinary.Fault is { } fault
            ? new Finding(
                Programs,
                "harness",
                FindingState.Failed,
                fault.Reason,
                "Build Hive again, for example with `./hive version`."
            )
            : new Finding(Programs, "harness", FindingState.Ok, HarnessBinary.Path);

    private static async Task<Finding> Git(CancellationToken ct)
    {
        try
        {
            var told = await Trial.Output(["git", "--version"], Trial.Patience, ct);
            return told.ExitCode == 0
                ? new Finding(
                    Programs,
                    "git",
                    FindingState.Ok,
                    told.Output.Trim().Replace("git version ", "", StringComparison.Ordinal)
                )
                : new Finding(
                    Programs,
                    "git",
                    FindingState.Failed,
                    $"git --version ended with {told.ExitCode}: {told.Output.Trim()}",
                    "Install git again."
                );
        }
        catch (Problem e)
        {
            return new Finding(Programs, "git", FindingState.Failed, e.Message, "Install git again.");
        }
        catch (Win32Exception)
        {
            return new Finding(
                Programs,
                "git",
                FindingState.Failed,
                "not installed; agents' configurations are kept in git",
                "On Debian: apt-get install git"
            );
        }
    }

    private static Finding Tools()
    {
        // These programs start and end agents on 'sandbox', 'nspawn' and 'process'.
        string[] needed = ["sh", "env", "setsid", "mkfifo", "dd", "cut", "wc", "mv", "rm", "chmod"];
        var folders = Launch.PathAlone["PATH"].Split(':', StringSplitOptions.RemoveEmptyEntries);
        var missing = needed.Where(tool => !folders.Any(f => File.Exists(Path.Combine(f, tool)))).ToArray();
        return missing.Length == 0
            ? new Finding(Programs, "tools", FindingState.Ok, "coreutils and util-linux are installed")
            : new Finding(
                Programs,
                "tools",
                FindingState.Failed,
                $"not on the PATH: {string.Join(", ", missing)}",
                "Install coreutils and util-linux."
            );
    }

    // A number from /proc/sys; null where the kernel lacks the setting.
    private static long? Setting(string file)
    {
        try
        {
            return long.TryParse(File.ReadAllText(file), CultureInfo.InvariantCulture, out var value) ? value : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
