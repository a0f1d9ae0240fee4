using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Hive.Cli;
using Hive.Cli.Completion;
using Hive.Tests.Fixture;

namespace Hive.Tests.Cli;

/// <summary>Completion of verbs, flags, agents and ids: what is offered, and in the shells themselves.</summary>
public sealed class CompletionTests : IAsyncLifetime
{
    private const string Prompt = "READY>";

    private readonly string folder = Directory.CreateTempSubdirectory("hive-tab-").FullName;
    private readonly ConcurrentQueue<JsonElement> asked = [];
    private readonly TaskCompletionSource approvalAsked = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private FakeHost host = null!;

    public ValueTask InitializeAsync()
    {
        host = new FakeHost(folder, Answer);
        return ValueTask.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        await host.DisposeAsync();
        Directory.Delete(folder, recursive: true);
    }

    [Theory]
    [InlineData("sta", "status start stats")]
    [InlineData("help st", "status start stop stats")]
    [InlineData("model al", "alice albert")]
    [InlineData("model alice al", "")]
    [InlineData("status alice al", "albert")]
    [InlineData("send @ali", "@alice")]
    [InlineData("answer ", "7")]
    [InlineData("questions ", "cancel")]
    [InlineData("questions cancel ", "7")]
    [InlineData("pending --base ", "applied approved previous")]
    [InlineData("pending --base=ap", "--base=applied --base=approved")]
    [InlineData("inbox -n 5 al", "alice albert")]
    [InlineData("send --rep", "--reply-to")]
    [InlineData("up --runt", "--runtime")]
    [InlineData("up --runtime sand", "sandbox")]
    [InlineData("completion ", "bash zsh fish")]
    [InlineData("waiting --agent al", "alice albert")]
    [InlineData("waiting --kind ", "question crash")]
    [InlineData("waiting sn", "snooze")]
    [InlineData("waiting snooze cr", "crash-alice")]
    [InlineData("waiting unsnooze ", "parked-9")]
    [InlineData("messages un", "unread")]
    [InlineData("messages --kind s", "system")]
    [InlineData("messages done ", "12")]
    [InlineData("revive ", "gone")]
    [InlineData("config b", "bob")]
    [InlineData(
        "ticket ",
        "list show create load change move block unblock hold release approve reject comment delete"
    )]
    [InlineData("ticket move ", "41 42 43")]
    [InlineData("ticket move 41 PHASE_T", "PHASE_TESTING")]
    [InlineData("ticket approve ", "43")]
    [InlineData("ticket unblock ", "42")]
    [InlineData("ticket block 41 --type en", "environment")]
    [InlineData("ticket create Log in --priority H", "HIGH")]
    [InlineData("ticket list --status b", "backlog building building-done")]
    [InlineData("board --workflow s", "ship")]
    [InlineData("task cancel 101 ", "102")]
    [InlineData("task add 4", "41 42 43")]
    [InlineData("task priority 101 ", "CRITICAL HIGH MEDIUM LOW")]
    [InlineData("gate sh", "show")]
    [InlineData("review ", "12")]
    [InlineData("review 12 ", "pass fail")]
    [InlineData("threads ", "show post close")]
    [InlineData("threads show ", "12")]
    [InlineData("retr", "")]
    [InlineData("nonsense ", "")]
    public async Task Offers_what_can_stand_at_the_cursor(string line, string words)
    {
        string[] given = [.. line.Split(' ')];
        var found = await Completer.FindAsync(CommandLine.Root(), ["--run-dir", folder, .. given]);

        Assert.Equal(
            words.Split(' ', StringSplitOptions.RemoveEmptyEntries).Order(),
            found.Select(c => c.Word).Order()
        );
    }

    [Fact]
    public async Task Without_a_host_only_verbs_and_flags_are_offered()
    {
        var root = CommandLine.Root();

        Assert.Empty(await Completer.FindAsync(root, ["--run-dir", "/nonexistent/run", "model", "al"]));
        Assert.Single(await Completer.FindAsync(root, ["--run-dir", "/nonexistent/run", "compl"]));
    }

    [Theory]
    [Sampled]
    [InlineData("bash --norc --noprofile -i", $"PS1='{Prompt}'")]
    [InlineData("zsh -f -i", $"unsetopt PROMPT_SP PROMPT_CR; PROMPT='{Prompt}'; autoload -U compinit; compinit -u -D")]
    public async Task Tab_completes_in_the_shell_itself(string shell, string setup)
    {
        var name = shell.Split(' ')[0];
        Requires.That(IsInstalled(name), $"{name} is not installed; install its package");
        using var terminal = Built.Start(
            "script",
            ["-qec", shell, "/dev/null"],
            ("TERM", "dumb"),
            ("HIVE_RUNDIR", folder),
            ("ZDOTDIR", folder)
        );
        var path = Path.GetDirectoryName(Built.Command);
        await Type($"{setup}; PATH={path}:$PATH; source <(hive completion {name})\n");
        await ToPrompt();
        (string Line, string[] Asks)[] lines =
        [
            ("hive send @alic\thello", ["send alice", "harness alice"]),
            ("hive restar\talice", ["restart alice"]),
            ("hive model alic\t", ["harness alice"]),
            ("hive questions cancel \t", ["cancel_question 7"]),
        ];
        var tried = Ring.Sample(lines, 1);
        foreach (var (line, _) in tried)
        {
            await Type($"{line}\n");
            await ToPrompt();
        }

        await Type("exit\n");
        await terminal.WaitForExitAsync();

        Assert.Equal(tried.SelectMany(l => l.Asks), asked.Select(Shown).Where(c => !c.EndsWith(' ')));

        async Task Type(string text)
        {
            await terminal.StandardInput.WriteAsync(text);
            await terminal.StandardInput.FlushAsync();
        }

        // The prompt after the next command: what is typed is echoed before it.
        async Task ToPrompt()
        {
            var seen = new StringBuilder();
            var one = new char[1];
            while (!seen.ToString().EndsWith($"\n{Prompt}", StringComparison.Ordinal))
            {
                Assert.True(await terminal.StandardOutput.ReadAsync(one) == 1, seen.ToString());
                if (one[0] != '\r')
                    seen.Append(one[0]);
            }
        }
    }

    [Fact]
    [Sampled]
    public async Task Fish_completes_with_descriptions()
    {
        Requires.That(IsInstalled("fish"), "fish is not installed; install its package");
        (string Line, string[] Offers)[] lines =
        [
            ("hive questions cancel ", ["7\talice: Publish?"]),
            ("hive model al", ["alice", "albert"]),
            ("hive restar", ["restart\tStop an agent and start it again."]),
        ];
        var tried = Ring.Sample(lines, 1);
        using var fish = Built.Start(
            "fish",
            [
                "--no-config",
                "-c",
                $"""
                set -x PATH {Path.GetDirectoryName(Built.Command)} $PATH
                hive completion fish | source
                {string.Join('\n', tried.Select(l => $"complete -C '{l.Line}'"))}
                """,
            ],
            ("HIVE_RUNDIR", folder),
            ("HOME", folder)
        );
        var output = await fish.StandardOutput.ReadToEndAsync();
        await fish.WaitForExitAsync();

        Assert.Equal(tried.SelectMany(l => l.Offers), output.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    [Fact]
    public async Task Ctrl_C_while_the_host_works_is_exit_code_130()
    {
        using var waiting = Built.StartHive(["approve", "1", "--run-dir", folder]);
        await approvalAsked.Task;
        using var kill = Process.Start("kill", ["-INT", waiting.Id.ToString(CultureInfo.InvariantCulture)]);

        await waiting.WaitForExitAsync();

        Assert.Equal(130, waiting.ExitCode);
    }

    private static object Waiting(string key) =>
        new
        {
            key,
            kind = key.Split('-')[0],
            title = "what it is about",
        };

    private static object Ticket(long id, string? blocked) =>
        new
        {
            id,
            title = "Log in",
            status = "building",
            blocked,
        };

    private object? Answer(string cmd, JsonElement request)
    {
        asked.Enqueue(request);
        if (cmd == "approval")
            approvalAsked.TrySetResult();
        return cmd switch
        {
            "list" => new { agents = new[] { "alice", "albert", "bob" } },
            "questions" => new
            {
                questions = new[]
                {
                    new
                    {
                        id = 7,
                        asker = "alice",
                        question = "Publish?",
                    },
                },
            },
            "harness" => new
            {
                connected = true,
                state = "idle",
                model = "large",
            },
            "send" => new { id = 1 },
            "waiting" => new
            {
                waiting = request.TryGetProperty("snoozed", out var snoozed) && snoozed.GetBoolean()
                    ? new[] { Waiting("parked-9") }
                    : [Waiting("question-7"), Waiting("question-8"), Waiting("crash-alice")],
            },
            "inbox" => new
            {
                messages = new[]
                {
                    new
                    {
                        id = 12,
                        from = "alice",
                        body = "Done.",
                    },
                },
            },
            "tickets" => new
            {
                tickets = request.TryGetProperty("status", out _)
                    ? new object[] { Ticket(43, null) }
                    : [Ticket(41, null), Ticket(42, "environment"), Ticket(43, null)],
            },
            "tasks" => new { tasks = new[] { Ticket(101, null), Ticket(102, null) } },
            "reviews" => new
            {
                reviews = new[]
                {
                    new
                    {
                        id = 12,
                        phase_id = "PHASE_TESTING",
                        question = "Ship it?",
                    },
                },
            },
            "threads" => new
            {
                threads = new[]
                {
                    new
                    {
                        id = 12,
                        type = "discussion",
                        subject = "The API",
                    },
                },
            },
            "workflows" => new
            {
                workflows = new[]
                {
                    new
                    {
                        name = "ship",
                        spec = new { phases = new[] { new { id = "PHASE_TESTING", name = "Testing" } } },
                    },
                },
            },
            "tombstones" => new { tombstones = new[] { new { name = "gone" } } },
            // Waits for ever.
            "approval" => null,
            _ => new { },
        };
    }

    private static string Shown(JsonElement request)
    {
        var subject = new[] { "name", "to", "id" }
            .Select(field => request.TryGetProperty(field, out var value) ? value.ToString() : "")
            .FirstOrDefault(text => text.Length > 0);
        return $"{request.GetProperty("cmd").GetString()} {subject}";
    }

    private static bool IsInstalled(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "")
            .Split(':')
            .Any(folder => File.Exists(Path.Combine(folder, program)));
}
