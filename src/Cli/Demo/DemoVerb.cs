using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using Hive.Cli.Terminal;
using Hive.Protocol;

namespace Hive.Cli.Demo;

/// <summary>A manager and two scripted agents at work, in a world of their own that ends with the command.</summary>
internal static class DemoVerb
{
    private static readonly string[] Workers = ["alice", "bob"];

    public static Command Create()
    {
        var port = new Option<int?>("--port")
        {
            Description = "Port of the dashboard (default: any free one)",
            HelpName = "N",
        };
        var runtime = new Option<string?>("--runtime")
        {
            Description =
                "What the agents' containers are: sandbox or process. Default: a sandbox where one works here, else processes",
            HelpName = "RUNTIME",
        };
        var keep = new Option<bool>("--keep") { Description = "Leave the demo's folder when it ends" };
        var noOpen = new Option<bool>("--no-open") { Description = "Do not open the browser" };
        port.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int?>() is < 1 or > 65535)
                result.AddError("--port is a number from 1 to 65535");
        });
        var command = new Command(
            "demo",
            "Try Hive: a manager and two scripted agents at work, on a free port; Ctrl-C ends it and leaves nothing."
        )
        {
            port,
            runtime,
            keep,
            noOpen,
            CommonOptions.Json,
        };
        command.SetAction(
            async (parsed, ct) =>
            {
                var demo = new Options(
                    parsed.GetValue(port) ?? 0,
                    parsed.GetValue(keep),
                    OpenBrowser: !parsed.GetValue(noOpen),
                    parsed.GetValue(CommonOptions.Json)
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

    // `auto` found no container runtime that works on this machine.
    private sealed class NoRuntimeException : Exception;

    private static async Task<int> RunAsync(Options demo, string runtime, bool fellBack, CancellationToken ct)
    {
        var folder = DemoFolder.Create();
        using var keeper = StartKeeper(folder, demo, runtime);
        var keeperEnded = keeper.WaitForExitAsync(CancellationToken.None);
        try
        {
            using var host = await HostAnswersAsync(folder, keeperEnded, ct);
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

            Console.Error.WriteLine("hive: the demo ended by itself");
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
            // Once more from here: the keeper itself may have been killed. Finds nothing otherwise.
            await DemoCleanup.RunAsync(folder, null, demo.Keep);
            if (demo.Keep && !demo.Json)
                Console.Out.WriteLine($"Left for you: {folder.Root}");
        }
    }

    // The usual reason, and the smallest thing that helps.
    private static string Cure()
    {
        var folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':');
        var isInstalled = Array.Exists(folders, folder => File.Exists(Path.Combine(folder, "bwrap")));
        return isInstalled ? "" : "Cure on Debian: apt-get install bubblewrap. ";
    }

    private static Process StartKeeper(DemoFolder folder, Options demo, string runtime)
    {
        // By its own executable, or by dotnet with its assembly where it was started so.
        var self = Environment.ProcessPath!;
        string[] program =
            Path.GetFileNameWithoutExtension(self) == "dotnet" ? [typeof(DemoVerb).Assembly.Location] : [];
        string[] keep = demo.Keep ? ["--keep"] : [];
        var url = string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{demo.Port}");
        return Process.Start(
            new ProcessStartInfo(
                self,
                [
                    .. program,
                    KeeperVerb.Name,
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

    /// <summary>Watches the run folder for the host's socket; a minute is far more than a first start takes.</summary>
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
            catch (System.Net.Sockets.SocketException)
            {
                // Not bound yet, or bound and not listening yet; the second makes no further event, hence the short
                // limit.
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
                        $"the demo's host did not answer within a minute. Its last words:\n{folder.LastWords()}"
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
            HostVerb.Print(
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
            var screen = new Screen();
            screen.Line(
                $"""
                Hive's demo runs: a manager hands out small tasks, alice and bob do them and talk to each other.
                Each is a process of its own ({(
                    runtimes.Length > 0 ? string.Join(", ", runtimes) : "process"
                )}) behind its own unix socket.
                """
            );
            if (fellBack)
                screen.Styled(
                    $"Nothing isolates agents here, so they run as plain processes. {Cure()}Details: hive doctor",
                    "yellow"
                );
            screen.Line("\nOpen the dashboard (the link logs in once; Ctrl-C here ends everything):\n");
            screen.Line(url);
            screen.Line(
                $"""

                Try: write a message to @alice there and watch her answer.
                     From another terminal: ./hive --run-dir {folder.RunDir} send bob "how is it going?"
                     A fresh link:          ./hive --run-dir {folder.RunDir} open
                """
            );
        }

        if (demo.OpenBrowser && !demo.Json)
            Browser.TryOpen(url, folder.LoginPage);
    }
}
