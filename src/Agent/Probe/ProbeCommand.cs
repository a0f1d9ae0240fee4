using System.CommandLine;
using Hive.Agent.Children;
using Hive.Protocol;

namespace Hive.Agent.Probe;

/// <summary><c>hive-agent probe</c>: reports whether an agent in this container can change kernel settings.</summary>
internal static class ProbeCommand
{
    private const string Nested = "--nested";
    private const int MostShown = 5,
        LongestLine = 64 * 1024;

    // Full rights over a mount namespace: as the container's user, then as owner of another user namespace.
    private static readonly string[][] Namespaces =
    [
        ["--mount"],
        ["--user", "--mount", "--pid", "--fork", "--keep-caps"],
    ];

    public static Command Create()
    {
        var nested = new Option<bool>(Nested) { Hidden = true };
        var command = new Command(
            HarnessProbe.Command,
            "Check from inside whether this container isolates; change nothing."
        );
        var (user, filter) = (new Option<uint?>(HarnessProbe.User), new Option<bool>(HarnessProbe.Filter));
        user.Description = "The number of the user that it must be.";
        filter.Description = "Its system calls must be filtered.";
        command.Add(nested);
        command.Add(user);
        command.Add(filter);
        command.SetAction(
            (parsed, ct) =>
                parsed.GetValue(nested) ? Task.FromResult(Print(KernelSettings.WritableByMounts()))
                : NotApplied(parsed.GetValue(user), parsed.GetValue(filter)) is { } missing
                    ? Task.FromResult(Fail(missing))
                : RunAsync(ct)
        );
        return command;
    }

    // proc_pid_status(5): the numbers of the user; 2 for a filter.
    private static string? NotApplied(uint? user, bool filter)
    {
        string[] status = [.. File.ReadLines("/proc/self/status").Select(l => l.Replace('\t', ' '))];
        return user is { } expected && !status.Contains($"Uid: {expected} {expected} {expected} {expected}")
                ? $"it runs as another user than {expected}"
            : filter && !status.Contains("Seccomp: 2") ? "its system calls are not filtered"
            : null;
    }

    private static int Fail(string missing)
    {
        Console.Error.WriteLine(missing);
        return HarnessProbe.NotApplied;
    }

    private static async Task<int> RunAsync(CancellationToken ct)
    {
        List<string> writable = [.. KernelSettings.Writable()];
        foreach (var namespaces in Namespaces)
            writable.AddRange(await InNamespaces(namespaces, ct));
        if (writable.Count == 0)
            return 0;
        var more = writable.Count > MostShown ? $" and {writable.Count - MostShown} more" : "";
        await Console.Error.WriteLineAsync(
            $"writable from inside: {string.Join(", ", writable.Take(MostShown))}{more}"
        );
        return HarnessProbe.Breached;
    }

    private static int Print(IEnumerable<string> writable)
    {
        foreach (var name in writable)
            Console.Out.WriteLine(name);
        return 0;
    }

    private static async Task<IReadOnlyList<string>> InNamespaces(string[] namespaces, CancellationToken ct)
    {
        string[] command = ["unshare", .. namespaces, "--", Environment.ProcessPath!, HarnessProbe.Command, Nested];
        var start = new ChildStart(
            command,
            Environment.CurrentDirectory,
            new Dictionary<string, string?>(),
            Quiet: null
        );
        List<string> printed = [];
        try
        {
            // A refusal on standard error means that these namespaces cannot be created.
            await Child.RunAsync(start, default, LongestLine, Take, _ => { }, TimeProvider.System, ct);
        }
        catch (ProgramMissingException)
        {
            // An image may lack util-linux; only the direct check is possible there.
        }

        return printed;

        void Take(OutputLine line)
        {
            if (line.Bytes.Length > 0)
                printed.Add(line.Text);
        }
    }
}
