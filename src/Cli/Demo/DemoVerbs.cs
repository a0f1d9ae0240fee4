using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using Hive.Cli.Terminal;
using Hive.Protocol;

namespace Hive.Cli.Demo;

/// <summary><c>hive demo</c>: runs a manager and three scripted agents in a folder of their own.</summary>
internal static class DemoVerbs
{
    private static readonly string[] Workers = ["alice", "bob", "carol"];

    public static Command[] All() => [Demo(), Keeper.Create()];

    private static Command Demo()
    {
        var port = new Option<int?>("--port")
        {
            Description = "Port of the dashboard. Default: any free port",
            HelpName = "N",
        };
        var runtime = new Option<string?>("--runtime")
        {
            Description =
                "Kind of container: sandbox or process. Default: the first kind that isolates here, else process",
            HelpName = "RUNTIME",
        };
        var keep = new Option<bool>("--keep") { Description = "Keep the demo's folder" };
        var noBrowser = new Option<bool>("--no-browser", "--no-open") { Description = "Do not open the browser" };
        port.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int?>() is < 1 or > 65535)
                result.AddError("--port must be a number from 1 to 65535");
        });
        var command = new Command(
            "demo",
            "Try Hive: a manager and three scripted agents at work on a board; Ctrl-C ends it and deletes everything."
        )
        {
            port,
            runtime,
            keep,
            noBrowser,
            CommonOptions.Json(),
        };
        command.SetAction(
            async (parsed, ct) =>
            {
                var demo = new Options(
                    parsed.GetValue(port) ?? 0,
                    parsed.GetValue(keep),
                    OpenBrowser: !parsed.GetValue(noBrowser),
                    CommonOptions.IsJson(parsed)
                );
                var named = parsed.GetValue(runtime);
                if (named is not null and not "auto")
                    return await RunAsync(demo, named, fellBack: false, ct);
                try
                {
                    return await RunAsync(demo, "auto", fellBack: false, ct);
                }
                catch (NoRuntimeException)
                {
                    return await RunAsync(demo, "process", fellBack: true, ct);
                }
            }
        );
        return command;
    }

    private sealed record Options(int Port, bool Keep, bool OpenBrowser, bool Json);

    // No runtime that isolates works on this machine.
    private sealed class NoRuntimeException : Exception;

    private static async Task<int> RunAsync(Options demo, string runtime, bool fellBack, CancellationToken ct)
    {
        var folder = DemoFolder.Create();
        using var keeper = StartKeeper(folder, demo, runtime);
        var keeperEnded = keeper.WaitForExitAsync(CancellationToken.None);
        try
        {
            using var host = await HostAnswersAsync(folder, keeperEnded, ct);
            await HostSocket.Guard(() =>
                host.CallAsync("workflow_load", new { text = DemoFolder.Workflow(), @default = true }, ct)
            );
            await SpawnWorkersAsync(host, runtime, ct);
            await TellAsync(host, folder, demo, fellBack, ct);
            try
            {
                await keeperEnded.WaitAsync(ct);
            }
            catch (OperationCanceledException) when (!keeperEnded.IsCompleted)
            {
                if (!demo.Json)
                    Console.Out.WriteLine("\nStopping the agents and the host …");
                return ExitCode.Done;
            }

            Console.Error.WriteLine("hive: the demo stopped unexpectedly");
            return ExitCode.Refused;
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            return ExitCode.Interrupted;
        }
        catch (HostEndedException)
        {
            // The keeper has said why on standard error.
            return ExitCode.Refused;
        }
        finally
        {
            keeper.StandardInput.Close();
            await keeperEnded;
            // The keeper cleans up, unless it was killed.
            await DemoCleanup.RunAsync(folder, null, demo.Keep);
            if (demo.Keep && !demo.Json)
                Console.Out.WriteLine($"Kept: {folder.Root}");
        }
    }

    // The usual reason is that bubblewrap is missing.
    private static string Fix()
    {
        var folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':');
        var isInstalled = Array.Exists(folders, folder => File.Exists(Path.Combine(folder, "bwrap")));
        return isInstalled ? "" : "Fix on Debian: apt-get install bubblewrap. ";
    }

    private static Process StartKeeper(DemoFolder folder, Options demo, string runtime)
    {
        // This program, or dotnet with its assembly when it was started that way.
        var self = Environment.ProcessPath!;
        string[] program =
            Path.GetFileNameWithoutExtension(self) == "dotnet" ? [typeof(DemoVerbs).Assembly.Location] : [];
        string[] keep = demo.Keep ? ["--keep"] : [];
        var url = string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{demo.Port}");
        return Process.Start(
            new ProcessStartInfo(
                self,
                [
                    .. program,
                    Keeper.Name,
                    folder.Root,
                    .. keep,
                    "--urls",
                    url,
                    "--runtime",
                    runtime,
                    "--driver",
                    "scripted",
                ]
            )
            {
                RedirectStandardInput = true,
            }
        )!;
    }

    private sealed class HostEndedException : Exception;

    /// <summary>Connects to the host as soon as its socket appears in the run folder.</summary>
    private static async Task<LineClient> HostAnswersAsync(DemoFolder folder, Task keeperEnded, CancellationToken ct)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(ct);
        patience.CancelAfter(TimeSpan.FromMinutes(1));
        using var changed = new SemaphoreSlim(0);
        using var watcher = new FileSystemWatcher(folder.RunDir) { EnableRaisingEvents = true };
        watcher.Created += (_, _) => changed.Release();
        watcher.Changed += (_, _) => changed.Release();
        while (true)
        {
            try
            {
                return await LineClient.ConnectAsync(Path.Combine(folder.RunDir, "host.sock"), patience.Token);
            }
            catch (SocketException)
            {
                // A socket that is bound but does not listen yet causes no further event, hence the short timeout.
                var next = changed.WaitAsync(TimeSpan.FromMilliseconds(200), patience.Token);
                if (await Task.WhenAny(next, keeperEnded) == keeperEnded)
                    throw new HostEndedException();
                try
                {
                    await next;
                }
                catch (OperationCanceledException) when (!ct.IsCancellationRequested)
                {
                    throw new UnreachableException(
                        $"the demo's host did not answer within a minute; the end of its log:\n{folder.EndOfLog()}"
                    );
                }
            }
        }
    }

    private static async Task SpawnWorkersAsync(LineClient host, string runtime, CancellationToken ct)
    {
        foreach (var name in Workers)
        {
            try
            {
                await HostSocket.Guard(() => host.CallAsync("spawn", new { name, runtime }, ct));
            }
            catch (HiveException e)
                when (runtime == "auto" && name == Workers[0] && e.Code is "unavailable" or "invalid" or "conflict")
            {
                throw new NoRuntimeException();
            }
        }
    }

    private static async Task TellAsync(
        LineClient host,
        DemoFolder folder,
        Options demo,
        bool fellBack,
        CancellationToken ct
    )
    {
        var url = (await HostSocket.Guard(() => host.CallAsync("open_link", null, ct))).GetProperty("url").GetString()!;
        var agents = (await HostSocket.Guard(() => host.CallAsync("agent_status", null, ct)))
            .GetProperty("agent_statuses")
            .EnumerateArray()
            .ToArray();
        var runtimes = agents
            .Select(a => a.TryGetProperty("runtime", out var r) ? r.GetString() : null)
            .OfType<string>()
            .Distinct()
            .ToArray();
        if (demo.Json)
        {
            JsonOutput.Print(
                new JsonObject
                {
                    ["url"] = url,
                    ["data_dir"] = folder.DataDir,
                    ["run_dir"] = folder.RunDir,
                    ["host_log"] = folder.HostLog,
                    ["agents"] = new JsonArray([.. agents.Select(a => (JsonNode?)a.GetProperty("name").GetString())]),
                    ["runtimes"] = new JsonArray([.. runtimes.Select(r => (JsonNode?)r)]),
                }
            );
        }
        else
        {
            var screen = new Screen(Display.Current);
            screen.Line(
                $"""
                The demo runs: every half minute the manager puts a ticket on the board. alice writes its requirements,
                bob builds it, carol tests it, and the tickets move on by themselves. In the first two minutes bob's
                process crashes once and is started again, a ticket waits before a full column, a gate fails and the
                work is done again, and a question and an approval with a diff wait for you.
                Each agent runs in its own container ({string.Join(", ", runtimes)}) behind its own unix socket.
                """
            );
            if (fellBack)
                screen.Styled(
                    $"Nothing here isolates agents; they run as plain processes. {Fix()}Details: hive doctor",
                    "yellow"
                );
            screen.Line("\nOpen the dashboard (the link works once; Ctrl-C here ends everything):\n");
            screen.Line(url);
            screen.Line(
                $"""

                Try: open the board there, and tell @manager in a line what the shop should do.
                     From another terminal: ./hive --run-dir {folder.RunDir} board --watch
                                            ./hive --run-dir {folder.RunDir} task graph 3
                     A new login link:      ./hive --run-dir {folder.RunDir} open
                """
            );
        }

        if (demo.OpenBrowser && !demo.Json)
            Browser.TryOpen(url, folder.LoginPage);
    }
}
