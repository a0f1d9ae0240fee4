using System.Diagnostics;
using System.Text.Json;
using Hive.Protocol;
using Hive.Tests.Fixture;
using Xunit;

namespace Hive.Tests.Cli;

/// <summary>The demo from start to end; it leaves nothing behind, whatever ends it.</summary>
public sealed class DemoTests
{
    // The first ring ends the demo as its user does, by Ctrl-C.
    public static TheoryData<string, int> Ends =>
        [.. Ring.Sample<(string, int)>([("INT", 0), ("TERM", 0), ("KILL", 137)], 1)];

    [Theory]
    [Sampled]
    [MemberData(nameof(Ends))]
    public async Task Agents_work_together_answer_the_operator_and_leave_nothing_behind(string signal, int exitCode)
    {
        using var demo = Built.StartHive(["demo", "--json", "--no-open", "--runtime", "process"]);
        var document = await ReadyAsync(demo);
        var runDir = document.GetProperty("run_dir").GetString()!;
        var folder = Path.GetDirectoryName(runDir)!;
        Assert.Equal(
            ["alice", "bob", "carol", "manager"],
            document.GetProperty("agents").EnumerateArray().Select(a => a.GetString()!).Order(StringComparer.Ordinal)
        );

        // A reply came through the socket, the broker and the agent's process, and the first ticket is built.
        using var stream = await StreamAsync(document);
        var sent = await Built.HiveAsync(["send", "bob", "hello", "there", "--json", "--run-dir", runDir]);
        Assert.Equal(0, sent.ExitCode);
        var id = JsonDocument.Parse(sent.Output).RootElement.GetProperty("id").GetInt64();
        var (reply, hasFailed, hasCrashed) = ((Message?)null, false, false);
        while (reply is null || !hasFailed || !hasCrashed)
        {
            var data = await NextEventAsync(stream);
            var kind = data.GetProperty("kind").GetString();
            // alice's weekly reminder cannot be written at first.
            hasFailed |=
                kind == "reminder_changed" && data.GetProperty("reminder").GetProperty("attempt_count").GetInt32() > 0;
            // bob's process ends once, in his first build.
            hasCrashed |= kind == "turn_ended" && data.GetProperty("turn").GetProperty("result").GetString() == "lost";
            if (kind != "sent")
                continue;
            var message = data.GetProperty("message").Deserialize<Message>(WireJson.Options)!;
            if (message is { From: "bob", To: "operator" } && message.InReplyTo == id)
                reply = message;
        }

        Assert.Contains("hello there", reply.Body, StringComparison.Ordinal);
        await Patience.Until(
            async () => (await StatusesAsync(runDir)).All(row => row.GetProperty("running").GetBoolean()),
            "every agent runs, also bob after his crash"
        );
        await EndAsync(demo, signal, exitCode, folder);
    }

    [Fact]
    [Long]
    public async Task The_first_minutes_show_done_tickets_failed_gates_a_crash_and_a_question()
    {
        using var demo = Built.StartHive(["demo", "--json", "--no-open", "--runtime", "process"]);
        var document = await ReadyAsync(demo);
        var runDir = document.GetProperty("run_dir").GetString()!;
        using (var stream = await StreamAsync(document))
            await ShowsWhatHiveIsForAsync(runDir, stream);
        await EndAsync(demo, "TERM", 0, Path.GetDirectoryName(runDir)!);
    }

    private static async Task EndAsync(Process demo, string signal, int exitCode, string folder)
    {
        var processes = Marked(folder);
        Assert.True(
            processes.Length >= 6,
            $"{processes.Length} processes: the keeper's host and four agents, at least"
        );
        using (var kill = Process.Start("/bin/sh", ["-c", $"kill -{signal} {demo.Id}"])!)
            await kill.WaitForExitAsync();
        await demo.WaitForExitAsync();

        Assert.Equal(exitCode, demo.ExitCode);
        await GoneAsync(processes, folder);
        Assert.Empty(Marked(folder));
    }

    // Tickets that move, wait, fail a gate and are done, and the things that wait for the operator: all of it real.
    private static async Task ShowsWhatHiveIsForAsync(string runDir, StreamReader stream)
    {
        using var host = await LineClient.ConnectAsync(Path.Combine(runDir, "host.sock"));
        var (hasWaited, failed, done) = (false, new HashSet<long>(), new HashSet<long>());
        var isAsked = false;
        while (!hasWaited || !isAsked || !done.Contains(1) || !failed.Overlaps(done))
        {
            var data = await NextEventAsync(stream);
            switch (data.GetProperty("kind").GetString())
            {
                case "ticket_changed":
                    var ticket = TicketIn(data);
                    hasWaited |= ticket.WaitingFor == "Building";
                    if (ticket.DoneAt is not null)
                        done.Add(ticket.Id);
                    break;
                case "gate_changed":
                    var gate = data.GetProperty("gate").Deserialize<GateView>(WireJson.Options)!;
                    if (gate.GateStatus == "failed")
                        failed.Add(gate.Ticket);
                    break;
                case "question_added":
                    isAsked = true;
                    break;
            }
        }

        var board = await Built.HiveAsync(["board", "--json", "--run-dir", runDir]);
        var building = JsonElement
            .Parse(board.Output)
            .GetProperty("board")
            .GetProperty("columns")
            .Deserialize<BoardColumnView[]>(WireJson.Options)!
            .Single(c => c.Id == "building");
        Assert.True(building is { WipLimit: 1, Count: <= 1 }, board.Output);
        // The task that was sent back is a task of its own, behind the one that was not enough.
        var graph = await Built.HiveAsync(["task", "graph", $"{failed.First(done.Contains)}", "--run-dir", runDir]);
        Assert.Equal((0, ""), (graph.ExitCode, graph.Error));
        Assert.Contains("Weekly summary", graph.Output, StringComparison.Ordinal);
        var approval = Assert.Single(
            (await host.CallAsync("pending")).GetProperty("approvals").Deserialize<Approval[]>(WireJson.Options)!
        );
        Assert.Equal(("bob", "apply_commit", "manager"), (approval.Agent, approval.Kind, approval.Requester));
        var diff = (await host.CallAsync("approval_diff", new { id = approval.Id })).Deserialize<ApprovalDiff>(
            WireJson.Options
        )!;
        Assert.Contains("+limits: { memory: 3 GB", Assert.Single(diff.Files).Patch, StringComparison.Ordinal);
        var question = Assert.Single(
            (await host.CallAsync("questions")).GetProperty("questions").Deserialize<QuestionView[]>(WireJson.Options)!,
            q => q.Target is null
        );
        Assert.True(question is { Asker: "alice", Options.Count: > 1, DeadlineAt: not null });
        Assert.Contains(
            (await host.CallAsync("turns", new { name = "bob" })).GetProperty("turns").EnumerateArray(),
            t => t.GetProperty("result").GetString() == "lost"
        );
        // The crash costs no try.
        var built = (await host.CallAsync("tasks", new { ticket = 1 }))
            .GetProperty("tasks")
            .Deserialize<TaskView[]>(WireJson.Options)!;
        Assert.All(built, task => Assert.Equal(("completed", 0), (task.Status, task.RetryCount)));
        Assert.Contains(
            (await host.CallAsync("stats", new { window = "1h" })).GetProperty("agents").EnumerateArray(),
            a => a.GetProperty("cost_usd").GetDouble() > 0
        );
        var inbox = (await host.CallAsync("inbox")).GetProperty("messages").Deserialize<Message[]>(WireJson.Options)!;
        Assert.Single(inbox, m => m.From == "manager");
    }

    private static TicketCard TicketIn(JsonElement data) =>
        data.GetProperty("ticket").Deserialize<TicketCard>(WireJson.Options)!;

    [Fact]
    [Long]
    public async Task A_host_that_ends_by_itself_ends_the_demo_with_exit_code_1_and_leaves_nothing()
    {
        using var demo = Built.StartHive(["demo", "--json", "--no-browser", "--runtime", "process"]);
        var error = demo.StandardError.ReadToEndAsync();
        var folder = Path.GetDirectoryName((await ReadyAsync(demo)).GetProperty("run_dir").GetString()!)!;
        var processes = Marked(folder);

        Assert.Single(processes, p => p.ProcessName == "hive-host").Kill();
        await demo.WaitForExitAsync();

        Assert.Equal(1, demo.ExitCode);
        Assert.Contains("stopped unexpectedly", await error, StringComparison.Ordinal);
        await GoneAsync(processes, folder);
    }

    [Fact]
    [Long]
    public async Task Without_isolation_the_demo_prints_one_short_line_with_the_fix()
    {
        var daemons = new[] { "/run/podman/podman.sock", "/var/run/docker.sock" }.Where(File.Exists);
        Requires.That(!daemons.Any(), "podman or docker serves this machine, so something isolates here");
        var programs = Directory.CreateTempSubdirectory("hive-programs-").FullName;
        var path = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Where(Directory.Exists);
        foreach (var program in path.SelectMany(Directory.EnumerateFiles))
        {
            var name = Path.GetFileName(program);
            if (
                name is not ("bwrap" or "systemd-nspawn" or "nixos-container")
                && !File.Exists(Path.Combine(programs, name))
            )
                File.CreateSymbolicLink(Path.Combine(programs, name), program);
        }

        using var demo = Built.StartHive(["demo", "--no-browser"], ("PATH", programs));
        List<string> lines = [];
        while (
            await demo.StandardOutput.ReadLineAsync() is { } line
            && !line.Contains("A new login link", StringComparison.Ordinal)
        )
            lines.Add(line);
        using (var kill = Process.Start("/bin/sh", ["-c", $"kill -INT {demo.Id}"])!)
            await kill.WaitForExitAsync();
        _ = await demo.StandardOutput.ReadToEndAsync();
        await demo.WaitForExitAsync();
        Directory.Delete(programs, recursive: true);

        const string Says = "Nothing here isolates agents; they run as plain processes.";
        Assert.Contains($"{Says} Fix on Debian: apt-get install bubblewrap. Details: hive doctor", lines);
        Assert.All(lines, line => Assert.True(line.Length <= 130, line));
    }

    [Fact]
    [Long]
    public async Task A_taken_port_is_reported_by_the_host()
    {
        var taken = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, 0);
        taken.Start();
        var port = ((System.Net.IPEndPoint)taken.LocalEndpoint).Port.ToString(
            System.Globalization.CultureInfo.InvariantCulture
        );

        var outcome = await Built.HiveAsync(["demo", "--no-browser", "--runtime", "process", "--port", port]);

        Assert.Equal(1, outcome.ExitCode);
        Assert.Contains(port, outcome.Error, StringComparison.Ordinal);
        taken.Stop();
    }

    // The document that the demo prints when everything runs.
    private static async Task<JsonElement> ReadyAsync(Process demo)
    {
        var line = await demo.StandardOutput.ReadLineAsync();
        Assert.True(line is not null, "the demo ended before it was ready");
        return JsonDocument.Parse(line).RootElement;
    }

    /// <summary>Opens the dashboard's stream and skips its greeting.</summary>
    private static async Task<StreamReader> StreamAsync(JsonElement document)
    {
        var token = (
            await File.ReadAllTextAsync(Path.Combine(document.GetProperty("data_dir").GetString()!, "access-token"))
        ).Trim();
        var http = new HttpClient { BaseAddress = new Uri(new Uri(document.GetProperty("url").GetString()!), "/") };
        http.DefaultRequestHeaders.Authorization = new("Bearer", token);
        var stream = new StreamReader(await http.GetStreamAsync(new Uri("/dashboard/stream", UriKind.Relative)));
        while (await stream.ReadLineAsync() is { } line && !line.StartsWith("event: ready", StringComparison.Ordinal))
        { }

        return stream;
    }

    private static async Task<JsonElement> NextEventAsync(StreamReader stream)
    {
        while (true)
        {
            var line = await stream.ReadLineAsync();
            Assert.True(line is not null, "the stream ended");
            if (!line.StartsWith("data: ", StringComparison.Ordinal))
                continue;
            var data = JsonDocument.Parse(line["data: ".Length..]).RootElement;
            if (data.TryGetProperty("kind", out _))
                return data;
        }
    }

    private static async Task<JsonElement[]> StatusesAsync(string runDir)
    {
        using var host = await LineClient.ConnectAsync(Path.Combine(runDir, "host.sock"));
        return [.. (await host.CallAsync("agent_status")).GetProperty("agent_statuses").EnumerateArray()];
    }

    private static async Task GoneAsync(Process[] processes, string folder)
    {
        foreach (var process in processes)
        {
            await process.WaitForExitAsync();
            process.Dispose();
        }

        // After a SIGKILL of the command its keeper has the last word: the folder goes when all else has gone.
        using var watcher = new FileSystemWatcher("/tmp") { NotifyFilter = NotifyFilters.DirectoryName };
        var gone = new TaskCompletionSource();
        watcher.Deleted += (_, e) =>
        {
            if (e.FullPath == folder)
                gone.TrySetResult();
        };
        watcher.EnableRaisingEvents = true;
        if (Directory.Exists(folder))
            await gone.Task;
        Assert.False(Directory.Exists(folder));
    }

    /// <summary>
    /// Every process that the demo in this folder started: it stands in their arguments or their variables.
    /// </summary>
    private static Process[] Marked(string folder) =>
        [
            .. Process
                .GetProcesses()
                .Where(p => Mentions($"/proc/{p.Id}/cmdline", folder) || Mentions($"/proc/{p.Id}/environ", folder)),
        ];

    private static bool Mentions(string file, string folder)
    {
        try
        {
            return File.ReadAllText(file).Contains(folder, StringComparison.Ordinal);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
