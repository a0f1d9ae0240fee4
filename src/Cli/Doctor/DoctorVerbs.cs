using System.CommandLine;
using System.ComponentModel;
using System.Diagnostics;
using System.Net.Sockets;
using System.Text.Json;
using System.Text.Json.Nodes;
using Hive.Cli.Host;
using Hive.Cli.Terminal;
using Hive.Protocol;

namespace Hive.Cli.Doctor;

/// <summary>
/// Checks whether Hive works on this machine. A running host checks itself; otherwise its program does, as it would
/// start now.
/// </summary>
internal static class DoctorVerbs
{
    // Each check ends on its own within 10 s.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    public static Command[] All() => [Doctor()];

    private static Command Doctor()
    {
        var command = new Command(
            "doctor",
            "Check whether Hive works here, and suggest a fix for each problem; takes the flags of up."
        )
        {
            TreatUnmatchedTokensAsErrors = false,
        };
        command.Options.Add(CommonOptions.Json());
        command.SetAction(
            async (parsed, ct) =>
            {
                var flags = HostFlags.Of(parsed.UnmatchedTokens, CommonOptions.RunDirIn(parsed));
                var (host, diagnosis) = await AskAsync(() => parsed.Paths(flags.Given), ct);
                diagnosis ??= await RunAsync(flags, ct);
                diagnosis = Diagnosis.Of([host, .. diagnosis.Findings]);
                if (CommonOptions.IsJson(parsed))
                    JsonOutput.Print((JsonObject)JsonSerializer.SerializeToNode(diagnosis, WireJson.Options)!);
                else
                    Show(diagnosis);
                return diagnosis.Healthy ? ExitCode.Done : ExitCode.Refused;
            }
        );
        return command;
    }

    // The findings of the running host; without one, null, and why it could not be asked.
    private static async Task<(Finding Host, Diagnosis? Diagnosis)> AskAsync(Func<HivePaths> find, CancellationToken ct)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limit.CancelAfter(Patience);
        try
        {
            var paths = find();
            using var host = await HostSocket.OpenAsync(paths, limit.Token);
            var answer = await HostSocket.Guard(() => host.CallAsync("doctor", null, limit.Token));
            return (
                Found(FindingState.Ok, $"runs and answers at {paths.HostSocket}"),
                answer.Deserialize<Diagnosis>(WireJson.Options)!
            );
        }
        catch (UnreachableException e)
            when (e.InnerException is SocketException { SocketErrorCode: not SocketError.AccessDenied })
        {
            return (Found(FindingState.Absent, e.Message), null);
        }
        catch (UnreachableException e)
        {
            return (Found(FindingState.Failed, e.Message), null);
        }
        catch (UsageException e)
        {
            // The checks report what is wrong with the folders.
            return (Found(FindingState.Absent, $"not checked: {e.Message}"), null);
        }
        catch (Exception e) when (e is HiveException { Code: "unknown_command" } or JsonException)
        {
            return (
                Found(
                    FindingState.Failed,
                    "the running host has another version",
                    "Stop it and start this version: hive up. Agents keep running."
                ),
                null
            );
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            return (
                Found(
                    FindingState.Failed,
                    $"runs, but did not answer within {Patience.TotalSeconds} s",
                    "Kill it with kill -9 and start it again: hive up. Stored data is safe."
                ),
                null
            );
        }

        static Finding Found(FindingState state, string text, string? advice = null) =>
            new("host", "host", state, text, advice);
    }

    private static async Task<Diagnosis> RunAsync(HostFlags flags, CancellationToken ct)
    {
        var start = HostProgram.Start(["--doctor", .. flags.Arguments], flags.Environment);
        try
        {
            using var host = Process.Start(start)!;
            var error = host.StandardError.ReadToEndAsync(ct);
            var output = await host.StandardOutput.ReadToEndAsync(ct);
            await host.WaitForExitAsync(ct);
            return output.Length > 0
                ? JsonSerializer.Deserialize<Diagnosis>(output, WireJson.Options)!
                : Broken($"ended with {host.ExitCode}: {(await error).Trim()}");
        }
        catch (Exception e) when (e is Win32Exception or JsonException)
        {
            return Broken(e.Message);
        }

        Diagnosis Broken(string why) =>
            Diagnosis.Of([
                new Finding(
                    "programs",
                    "hive-host",
                    FindingState.Failed,
                    $"{start.FileName} does not work: {why}",
                    "Build Hive again (`./hive version`), and check that the .NET 10 runtime is installed."
                ),
            ]);
    }

    private static void Show(Diagnosis diagnosis)
    {
        var screen = new Screen(Display.Current);
        var width = diagnosis.Findings.Max(f => f.Name.Length);
        foreach (var topic in diagnosis.Findings.GroupBy(f => f.Topic))
        {
            if (topic.Key != diagnosis.Findings[0].Topic)
                screen.Styled(topic.Key, "bold");
            foreach (var finding in topic)
            {
                var text = screen.Wrapped(finding.Text, width + 6).ToArray();
                screen.Marked("  ", Mark(finding.State), $"{finding.Name.PadRight(width)}  {text[0].TrimStart()}");
                foreach (var more in text[1..])
                    screen.Line(more);
                foreach (var advice in screen.Wrapped(finding.Advice ?? "", width + 6))
                    screen.Styled(advice, "cyan");
            }
        }

        var wrong = diagnosis.Findings.Count(f => f.State == FindingState.Failed);
        screen.Line();
        if (wrong == 0)
            screen.Styled("Nothing is wrong.", "green");
        else
            screen.Styled(wrong == 1 ? "One thing is wrong (✘)." : $"{wrong} things are wrong (✘).", "red");
    }

    private static Screen.Cell Mark(FindingState state) =>
        state switch
        {
            FindingState.Ok => new Screen.Cell("✔", "green"),
            FindingState.Failed => new Screen.Cell("✘", "red"),
            _ => new Screen.Cell("–", "grey"),
        };
}
