using System.CommandLine;
using System.ComponentModel;
using System.Diagnostics;
using Hive.Protocol;

namespace Hive.Agent.Probe;

/// <summary><c>hive-agent probe</c>: tells the host whether this container keeps the kernel's settings from an
/// agent.</summary>
internal static class ProbeCommand
{
    private const string Nested = "--nested";
    private const int Named = 5;

    // Every right over a mount namespace: as the container's own user, then as owner of another user namespace.
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
            "Try from inside whether this container isolates; change nothing."
        );
        command.Add(nested);
        command.SetAction(
            (parsed, ct) =>
                parsed.GetValue(nested) ? Task.FromResult(Tell(KernelSettings.WritableByMounts())) : RunAsync(ct)
        );
        return command;
    }

    private static async Task<int> RunAsync(CancellationToken ct)
    {
        List<string> writable = [.. KernelSettings.Writable()];
        foreach (var namespaces in Namespaces)
            writable.AddRange(await InNamespaces(namespaces, ct));
        if (writable.Count == 0)
            return 0;
        var more = writable.Count > Named ? $" and {writable.Count - Named} others" : "";
        await Console.Error.WriteLineAsync($"writable from inside: {string.Join(", ", writable.Take(Named))}{more}");
        return HarnessProbe.Breached;
    }

    private static int Tell(IEnumerable<string> writable)
    {
        foreach (var name in writable)
            Console.Out.WriteLine(name);
        return 0;
    }

    private static async Task<string[]> InNamespaces(string[] namespaces, CancellationToken ct)
    {
        string[] arguments = [.. namespaces, "--", Environment.ProcessPath!, HarnessProbe.Command, Nested];
        var start = new ProcessStartInfo("unshare", arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        try
        {
            using var process = Process.Start(start)!;
            var refusal = process.StandardError.ReadToEndAsync(ct);
            var told = await process.StandardOutput.ReadToEndAsync(ct);
            await process.WaitForExitAsync(ct);
            await refusal;
            return told.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        }
        catch (Win32Exception)
        {
            // An image of podman's or docker's may lack util-linux: only what is open directly can be found there.
            return [];
        }
    }
}
