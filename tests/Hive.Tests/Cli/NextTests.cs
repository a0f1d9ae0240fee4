using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Hive.Protocol;
using Hive.Tests.Agents;
using Hive.Tests.Fixture;
using Hive.Tests.Messages;
using Hive.Tests.Tickets;
using Hive.Tests.Waiting;

namespace Hive.Tests.Cli;

/// <summary><c>hive next</c> on a real terminal, against prepared answers.</summary>
public sealed class NextTests : IDisposable
{
    private const string Menu = "  n  next one   q  quit\r\n";
    private const string Above = "  Decide with a key of the list above.\r\n";

    private readonly string folder = Directory.CreateTempSubdirectory("hive-next-").FullName;
    private readonly ConcurrentQueue<string> decided = [];

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task An_approval_shows_its_files_and_on_a_key_its_diff_before_it_is_approved()
    {
        await using var host = new FakeHost(folder, Answer);
        using var terminal = new NextTerminal(folder);

        var shown = await terminal.UntilAsync(Menu);
        Assert.Contains("  modified agent.yaml  +20 -1\r\n", shown, StringComparison.Ordinal);
        Assert.Contains("  added notes.bin  binary\r\n", shown, StringComparison.Ordinal);
        Assert.Contains("  2 files, +20 -1\r\n", shown, StringComparison.Ordinal);
        Assert.DoesNotContain("+line 1", shown, StringComparison.Ordinal);
        await terminal.TypeAsync("v");
        var page = await terminal.UntilAsync("any key for more, q to go back ");
        Assert.Contains("+line 1\r\n", page, StringComparison.Ordinal);
        Assert.DoesNotContain("+line 19\r\n", page, StringComparison.Ordinal);
        await terminal.TypeAsync(" ");
        Assert.Contains(
            "+line 10\r\n",
            await terminal.UntilAsync("any key for more, q to go back "),
            StringComparison.Ordinal
        );
        await terminal.TypeAsync("q");
        await terminal.UntilAsync(Above);
        Assert.Empty(decided);
        await terminal.TypeAsync("a");
        Assert.Contains(
            "done: approve",
            await terminal.UntilAsync("Nothing waits for you.\r\n"),
            StringComparison.Ordinal
        );
        Assert.Equal((0, "approve 7"), (await terminal.EndAsync(), string.Join(' ', decided)));
    }

    [Fact]
    public async Task The_key_that_decided_a_row_decides_the_next_one_only_when_confirmed()
    {
        await using var host = new FakeHost(
            folder,
            (cmd, request) =>
                cmd == "waiting"
                    ? new { waiting = new[] { Row(7), Row(8) }.Where(r => !decided.Contains($"approve {r.Id}")) }
                    : Answer(cmd, request)
        );
        using var terminal = new NextTerminal(folder);

        await terminal.UntilAsync(Menu);
        await terminal.TypeAsync("a");
        await terminal.UntilAsync(Menu);
        // A key that is held goes on during the question.
        await terminal.TypeAsync("aaan");
        await terminal.UntilAsync("  approve, again? y/N \r\n");
        Assert.Equal(["approve 7"], decided);
        await terminal.TypeAsync("ay");
        await terminal.UntilAsync("Nothing waits for you.\r\n");
        Assert.Equal((0, "approve 7 approve 8"), (await terminal.EndAsync(), string.Join(' ', decided)));
    }

    [Fact]
    public async Task A_refused_answer_keeps_its_row_and_can_be_sent_again()
    {
        var isOver = false;
        await using var host = new FakeHost(
            folder,
            (cmd, request) =>
            {
                switch (cmd)
                {
                    case "waiting":
                        var question = Row(7) with { Key = "question-7", Kind = "question" };
                        return new { waiting = isOver ? [] : new[] { question } };
                    case "questions":
                        return new { questions = Array.Empty<object>() };
                    case "answer":
                        decided.Enqueue(request.GetProperty("answer").GetString()!);
                        isOver = decided.Count == 3;
                        // Refused, then not answered at all.
                        return decided.Count switch
                        {
                            1 => new HiveException("too_large", "the answer is too long"),
                            2 => Array.Empty<object>(),
                            _ => new { },
                        };
                    default:
                        return new { };
                }
            }
        );
        using var terminal = new NextTerminal(folder);

        await terminal.UntilAsync(Menu);
        await terminal.TypeAsync("r");
        await terminal.UntilAsync("  answer: ");
        await terminal.TypeAsync("the long way\r");
        Assert.Contains("the answer is too long\r\n", await terminal.UntilAsync(Above), StringComparison.Ordinal);
        for (var i = 0; i < 2; i++)
        {
            await terminal.TypeAsync("r");
            var asked = await terminal.UntilAsync("  Send this text again? y/N ");
            Assert.Contains("  typed before: the long way\r\n", asked, StringComparison.Ordinal);
            await terminal.TypeAsync("y");
            await terminal.UntilAsync(i == 0 ? Above : "Nothing waits for you.\r\n");
        }

        Assert.Equal(["the long way", "the long way", "the long way"], decided);
        Assert.Equal(0, await terminal.EndAsync());
    }

    [Fact]
    public async Task A_reply_whose_answer_was_lost_is_repeated_with_the_key_of_the_first_attempt()
    {
        await using var host = new FakeHost(
            folder,
            (cmd, request) =>
            {
                switch (cmd)
                {
                    case "waiting":
                        var message = Row(7) with { Key = "message-alice", Kind = "message", Id = "alice" };
                        return new { waiting = decided.Count == 3 ? [] : new[] { message } };
                    case "send":
                        decided.Enqueue($"{request.GetProperty("body")} {request.GetProperty("key")}");
                        return decided.Count < 3 ? Array.Empty<object>() : new { id = 1 };
                    default:
                        return new { };
                }
            }
        );
        using var terminal = new NextTerminal(folder);

        await terminal.UntilAsync(Menu);
        await terminal.TypeAsync("r");
        await terminal.UntilAsync("  reply: ");
        await terminal.TypeAsync("one\r");
        await terminal.UntilAsync(Above);
        await terminal.TypeAsync("r");
        await terminal.UntilAsync("  Send this text again? y/N ");
        await terminal.TypeAsync("y");
        await terminal.UntilAsync(Above);
        await terminal.TypeAsync("r");
        await terminal.UntilAsync("  Send this text again? y/N ");
        await terminal.TypeAsync("n");
        await terminal.UntilAsync("  reply: ");
        await terminal.TypeAsync("two\r");
        await terminal.UntilAsync("Nothing waits for you.\r\n");

        string[][] sent = [.. decided.Select(line => line.Split(' '))];
        Assert.Equal(["one", "one", "two"], sent.Select(words => words[0]));
        Assert.Equal(sent[0][1], sent[1][1]);
        Assert.NotEqual(sent[0][1], sent[2][1]);
        Assert.Equal(0, await terminal.EndAsync());
    }

    [Fact]
    public async Task A_refused_decision_of_a_row_that_is_gone_shows_the_next_row()
    {
        await using var host = new FakeHost(
            folder,
            (cmd, request) =>
            {
                if (cmd == "waiting")
                    return new { waiting = decided.IsEmpty ? new[] { Row(7), Row(8) } : [Row(8)] };
                var answer = Answer(cmd, request);
                return cmd == "approve" ? new HiveException("conflict", "it is decided already") : answer;
            }
        );
        using var terminal = new NextTerminal(folder);

        await terminal.UntilAsync(Menu);
        await terminal.TypeAsync("a");
        var shown = await terminal.UntilAsync(Menu);
        Assert.Contains("  it is decided already\r\n", shown, StringComparison.Ordinal);
        Assert.Contains("  title of 8\r\n", shown, StringComparison.Ordinal);
        await terminal.TypeAsync("q");
        Assert.Equal(0, await terminal.EndAsync());
    }

    [Fact]
    public async Task Everything_that_waits_on_the_board_is_decided_with_the_keys_of_its_kind()
    {
        const string Last = "That was the last one.\r\n";
        const string None = "Nothing waits for you.\r\n";
        const string Ask = "y/N ";
        await using var hive = await HiveFixture.Start("--tickets-human-review", "true");
        var host = await hive.Board();
        await hive.SpawnAs("alice", "duty: worker\ncapabilities: [thinking]\n");
        var alice = await hive.Connect("alice");
        await alice.CallAsync("status");
        foreach (var title in new[] { "Judge it", "Block it", "Fail at it" })
            await host.CallAsync("ticket_approve", new { id = await host.Create(title) });
        var (judged, blocked, failed) = (1, 2, 3);
        await AddAsync(host, failed, "cobol");
        await hive.Settled();
        // Nobody has come for it in this time, in which a new ticket would be decided by its deadline.
        hive.Clock.Advance(TimeSpan.FromMinutes(30));
        await AddAsync(host, failed, "thinking");
        await alice.Receive(max: 1, wait: 180);
        await alice.CallAsync(
            "fail_task",
            new
            {
                task = 2,
                reason = "no database",
                kind = "permanent",
            }
        );
        await host.Move(judged, "PHASE_BUILD");
        await host.Change(new { id = blocked, block = new { type = "environment", reason = "no VPN" } });
        var asked = await host.Create("Ask whether to begin");
        await Patience.Until(
            async () => (await hive.Waiting()).Count(row => KeyOf(row.Kind) != "n") >= 5,
            "all five wait"
        );

        using var terminal = new NextTerminal(hive.RunDir);
        List<string> kinds = [];
        var shown = await terminal.UntilAsync(Menu);
        while (!shown.EndsWith(Last, StringComparison.Ordinal) && !shown.EndsWith(None, StringComparison.Ordinal))
        {
            var kind = Regex.Match(shown, "^(?:now|soon|fyi): ([a-z_]+)", RegexOptions.Multiline).Groups[1].Value;
            kinds.Add(kind);
            await terminal.TypeAsync(KeyOf(kind));
            shown = await terminal.UntilAsync(Menu, Last, None, Ask);
            if (!shown.EndsWith(Ask, StringComparison.Ordinal))
                continue;
            await terminal.TypeAsync("y");
            shown = await terminal.UntilAsync(Menu, Last, None);
        }

        Assert.Equal(0, await terminal.EndAsync());
        Assert.Superset(
            new HashSet<string>
            {
                "ticket_approval",
                "ticket_blocked",
                "gate_review",
                "task_failed",
                "task_unservable",
            },
            kinds.ToHashSet()
        );
        Assert.DoesNotContain(await hive.Waiting(), row => KeyOf(row.Kind) != "n");
        Assert.Equal("approved", (await host.Ticket(asked)).Text("approval"));
        Assert.Equal("PHASE_TEST", await host.Phase(judged));
        Assert.Equal("-", (await host.Ticket(blocked)).Text("blocked"));
        var states = (await host.CallAsync("tasks", new { ticket = failed })).GetProperty("tasks");
        Assert.Equal("cancelled", Status(1));
        Assert.NotEqual("failed", Status(2));

        string Status(long id) =>
            states.EnumerateArray().Single(task => task.GetProperty("id").GetInt64() == id).Text("status");

        // Of what is not the board's, the next one is shown.
        static string KeyOf(string kind) =>
            kind switch
            {
                "ticket_approval" or "gate_review" => "a",
                "ticket_blocked" => "u",
                "task_failed" => "t",
                "task_unservable" => "x",
                _ => "n",
            };
    }

    [Fact]
    public async Task An_option_that_begins_with_a_dash_is_not_named_as_a_flag()
    {
        await using var host = new FakeHost(
            folder,
            (cmd, _) =>
                cmd switch
                {
                    "waiting" => new { waiting = new[] { Row(7) with { Kind = "question" } } },
                    "questions" => new
                    {
                        questions = new[]
                        {
                            new QuestionView(
                                7,
                                "alice",
                                "Which?",
                                [],
                                ["--json", "no"],
                                false,
                                DateTimeOffset.UtcNow,
                                []
                            ),
                        },
                    },
                    _ => new { },
                }
        );

        var (code, output) = await RunAsync("next");

        Assert.Equal(0, code);
        Assert.Contains("  --json: hive answer 7 -- '--json'\n", output, StringComparison.Ordinal);
        Assert.Contains("  no: hive answer 7 'no'\n", output, StringComparison.Ordinal);
        Assert.Equal((0, "question 7 is answered\n"), await RunAsync("answer", "7", "--", "--json"));
    }

    [Theory]
    [InlineData("needs_login", "the earlier login ended")]
    [InlineData("logging_in", null)]
    public async Task A_login_shows_the_link_of_the_login_that_is_under_way(string state, string? error)
    {
        object before = new
        {
            state,
            since_at = DateTimeOffset.UtcNow,
            login = new { url = "https://example.org/first", error },
        };
        // The agent tells of its new login before it has cleared the login that failed.
        object[] after =
        [
            new
            {
                state = "logging_in",
                since_at = DateTimeOffset.UtcNow,
                login = new { url = "https://example.org/first", error },
            },
            new
            {
                state = "logging_in",
                since_at = DateTimeOffset.UtcNow,
                login = new { url = "https://example.org/second" },
            },
        ];
        var asked = 0;
        await using var host = new FakeHost(
            folder,
            (cmd, _) =>
                cmd != "harness" ? new { }
                : asked++ == 0 ? before
                : after[Math.Min(asked - 2, 1)]
        );

        var (code, output) = await RunAsync("login", "alice");

        Assert.Equal(0, code);
        var link = error is null ? "https://example.org/first" : "https://example.org/second";
        Assert.Contains($"Open this link and sign in:\n\n{link}\n", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("43200m", 0)]
    [InlineData("36500d", 0)]
    [InlineData("52560001m", 2)]
    [InlineData("36501d", 2)]
    public async Task A_span_of_at_most_a_hundred_years_is_valid_in_each_unit(string span, int expected)
    {
        await using var host = new FakeHost(folder, (_, _) => new { messages = Array.Empty<object>() });
        Assert.Equal(expected, (await RunAsync("messages", "--since", span)).Code);
    }

    [Fact]
    public async Task A_change_that_cannot_be_shown_cannot_be_approved_there()
    {
        await using var host = new FakeHost(
            folder,
            (cmd, request) =>
                cmd == "approval_diff" ? new HiveException("unavailable", "git has failed") : Answer(cmd, request)
        );

        var (code, output) = await RunAsync("next");

        Assert.Equal(0, code);
        Assert.Contains("  its change cannot be shown: git has failed\n", output, StringComparison.Ordinal);
        Assert.Contains("hive deny 7", output, StringComparison.Ordinal);
        Assert.DoesNotContain("hive approve 7", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_login_whose_harness_is_gone_does_not_count_as_done()
    {
        await using var host = new FakeHost(
            folder,
            (cmd, _) => cmd == "harness" ? new { state = "offline", since_at = DateTimeOffset.UtcNow } : new { }
        );

        var outcome = await Built.HiveAsync(["login", "alice", "CODE", "--run-dir", folder]);

        Assert.Equal((1, ""), (outcome.ExitCode, outcome.Output));
        Assert.Contains("alice is not connected any more", outcome.Error, StringComparison.Ordinal);
    }

    private object? Answer(string cmd, JsonElement request)
    {
        switch (cmd)
        {
            case "approve":
                decided.Enqueue($"approve {request.GetProperty("id")}");
                return new { };
            case "waiting":
                return new { waiting = decided.IsEmpty ? new[] { Row(7) } : [] };
            case "approval":
                return new
                {
                    approval = new Approval(
                        7,
                        "alice",
                        ApprovalKind.ApplyCommit,
                        "main",
                        ApprovalStatus.Pending,
                        DateTimeOffset.UtcNow,
                        "manager",
                        FetchedSha: new string('a', 40)
                    ),
                };
            case "approval_diff":
                var patch = string.Concat(Enumerable.Range(1, 20).Select(i => $"+line {i}\n"));
                return new ApprovalDiff(
                    7,
                    "applied",
                    "b",
                    "a",
                    [
                        new DiffFile(
                            "agent.yaml",
                            "modified",
                            false,
                            $"@@ -1 +1,20 @@\n{patch}",
                            null,
                            null,
                            null,
                            20,
                            1
                        ),
                        new DiffFile("notes.bin", "added", true),
                    ]
                );
            default:
                return new { };
        }
    }

    private async Task<(int Code, string Output)> RunAsync(params string[] verb)
    {
        var outcome = await Built.HiveAsync([verb[0], "--run-dir", folder, .. verb[1..]]);
        return (outcome.ExitCode, outcome.Output);
    }

    /// <summary>Adds a task that needs a capability.</summary>
    private static Task AddAsync(LineClient host, long ticket, string capability) =>
        host.CallAsync(
            "add_tasks",
            new
            {
                ticket,
                tasks = new[]
                {
                    new
                    {
                        task_type = "think",
                        title = capability,
                        capabilities = new[] { capability },
                    },
                },
            }
        );

    private static WaitingView Row(int id) =>
        new(
            $"approval-{id}",
            "approval",
            $"{id}",
            $"title of {id}",
            DateTimeOffset.UtcNow,
            "now",
            [],
            $"/changes/{id}",
            "alice"
        );

    /// <summary><c>hive next</c> on a terminal of 80 columns and 12 lines.</summary>
    private sealed class NextTerminal(string folder) : IDisposable
    {
        private readonly Process script = Built.Start(
            "script",
            ["-qec", $"stty cols 80 rows 12; exec {Built.Command} next --run-dir {folder}", "/dev/null"],
            ("TERM", "dumb"),
            ("SHELL", "/bin/sh")
        );

        public void Dispose() => script.Dispose();

        public async Task TypeAsync(string keys)
        {
            await script.StandardInput.WriteAsync(keys);
            await script.StandardInput.FlushAsync();
        }

        /// <summary>Reads until the output ends with one of these.</summary>
        public async Task<string> UntilAsync(params string[] ends)
        {
            var read = new StringBuilder();
            var one = new char[1];
            while (!ends.Any(end => read.ToString().EndsWith(end, StringComparison.Ordinal)))
            {
                Assert.True(await script.StandardOutput.ReadAsync(one) == 1, read.ToString());
                read.Append(one[0]);
            }

            return read.ToString();
        }

        public async Task<int> EndAsync()
        {
            await script.WaitForExitAsync();
            return script.ExitCode;
        }
    }
}
