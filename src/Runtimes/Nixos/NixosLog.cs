using System.Collections.Concurrent;
using System.Globalization;
using System.Runtime.CompilerServices;
using Hive.Common.Errors;

namespace Hive.Runtimes.Nixos;

/// <summary>Reads the output of agents from the journals of their NixOS containers.</summary>
internal sealed class NixosLog(NixosFiles files)
{
    // The output of the harness alone, without the journal's additions.
    private static readonly string[] Form = ["--output=cat", "--no-pager", "--quiet"];

    // By agent: completed and replaced when its container is started, for the followers of its log.
    private readonly ConcurrentDictionary<string, TaskCompletionSource> starts = new();

    /// <summary>Wakes the followers of an agent whose container was started.</summary>
    public void Started(string agent)
    {
        if (starts.TryRemove(agent, out var awaited))
            awaited.SetResult();
    }

    public async Task<IReadOnlyList<string>> Tail(string agent, int lines, CancellationToken ct)
    {
        if (!files.IsOurs(agent))
            return [];
        var count = Count(lines);
        var inside = await NixosCommands.Run(["journalctl", "-M", NixosFiles.Container(agent), count, .. Form], ct);
        if (inside.ExitCode == 0)
            return NixosCommands.Lines(inside.Output);
        // A container's journal can be read only while the container runs; its console is in the host's own.
        var console = await NixosCommands.Run(["journalctl", $"--unit={NixosFiles.Unit(agent)}", count, .. Form], ct);
        return console.ExitCode == 0
            ? NixosCommands.Lines(console.Output)
            : throw Problem.Unavailable($"the log of {agent} cannot be read: {console.Output.Trim()}");
    }

    public async IAsyncEnumerable<IReadOnlyList<string>> Follow(
        string agent,
        int lines,
        [EnumeratorCancellation] CancellationToken ct
    )
    {
        string[] range = [Count(lines)];
        while (true)
        {
            var started = starts
                .GetOrAdd(agent, _ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously))
                .Task;
            if (files.IsOurs(agent) && (await NixosUnits.Show(agent, ct)).IsRunning)
            {
                await foreach (
                    var line in NixosCommands.Follow(
                        ["journalctl", "-M", NixosFiles.Container(agent), .. range, "--follow", .. Form],
                        ct
                    )
                )
                    yield return [line];
                // journalctl ends with the container. Every line of the next run is new.
                range = ["--boot", "--lines=all"];
            }
            else if (range.Length == 1)
            {
                yield return await Tail(agent, lines, ct);
                range = ["--boot", "--lines=all"];
            }

            await started.WaitAsync(ct);
        }
    }

    private static string Count(int lines) => $"--lines={lines.ToString(CultureInfo.InvariantCulture)}";
}
