using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Hive.Cli;
using Hive.Cli.Dashboard;
using Hive.Protocol;

namespace Hive.Tests.Cli;

/// <summary>
/// Compares the output of every verb with the files in <c>golden</c>: at 80 and 120 columns, without colours, and in a
/// pipe, for 0, 3 and 31 agents. <c>HIVE_UPDATE_GOLDEN=1</c> writes the files.
/// </summary>
public sealed partial class GoldenTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("hive-golden-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Theory]
    [InlineData("status")]
    [InlineData("list")]
    [InlineData("waiting")]
    [InlineData("next")]
    [InlineData("turns alice")]
    [InlineData("stats")]
    [InlineData("logs alice")]
    [InlineData("kept")]
    [InlineData("inputs")]
    [InlineData("inbox")]
    [InlineData("messages")]
    [InlineData("questions")]
    [InlineData("questions --all")]
    [InlineData("pending")]
    [InlineData("pending --all")]
    [InlineData("parked")]
    [InlineData("reminders")]
    [InlineData("forge status")]
    [InlineData("board")]
    [InlineData("ticket")]
    [InlineData("ticket show 41")]
    [InlineData("task")]
    [InlineData("task show 101")]
    [InlineData("task graph 41")]
    [InlineData("locks")]
    [InlineData("budget")]
    [InlineData("costs")]
    [InlineData("gate show 41")]
    [InlineData("gate show 42")]
    [InlineData("artifact list 41")]
    [InlineData("artifact show 12")]
    [InlineData("discovery list")]
    [InlineData("handoff list")]
    [InlineData("duty list")]
    [InlineData("reviews")]
    [InlineData("sessions")]
    [InlineData("audit")]
    public async Task A_verb_shows_what_its_file_says(string verb)
    {
        var text = new StringBuilder();
        foreach (var agents in new[] { 0, 3, 31 })
        {
            await using var host = new FakeHost($"{folder}/{agents}", (cmd, r) => GoldenData.Answer(agents, cmd, r));
            foreach (
                var (view, width, colours) in new (string, int?, bool)[]
                {
                    ("80 columns", 80, true),
                    ("120 columns", 120, true),
                    ("80 columns with NO_COLOR", 80, false),
                    ("a pipe", null, false),
                }
            )
            {
                var outcome = await Run($"{verb} --run-dir {folder}/{agents}", width, colours);
                text.Append(CultureInfo.InvariantCulture, $"== {agents} agents, {view}\n{outcome.Output}");
                Assert.Empty(outcome.Error);
                Assert.Equal(verb == "waiting" && agents > 0 ? 1 : 0, outcome.ExitCode);
            }
        }

        Compare(verb.Replace(' ', '-').Replace("--", "-", StringComparison.Ordinal), text.ToString());
    }

    [Theory]
    [InlineData("status")]
    [InlineData("turns alice")]
    [InlineData("messages")]
    [InlineData("questions --all")]
    [InlineData("pending --all")]
    [InlineData("parked")]
    [InlineData("reminders")]
    [InlineData("ticket")]
    [InlineData("task")]
    [InlineData("task graph 41")]
    [InlineData("locks")]
    [InlineData("budget")]
    [InlineData("reviews")]
    [InlineData("threads")]
    [InlineData("sessions")]
    [InlineData("audit")]
    public async Task At_80_columns_each_row_has_one_line_and_every_name_is_whole(string verb)
    {
        await using var host = new FakeHost($"{folder}/run", (cmd, r) => GoldenData.Answer(31, cmd, r));
        var piped = Lines((await Run($"{verb} --run-dir {folder}/run", null, false)).Output);
        var shown = Lines((await Run($"{verb} --run-dir {folder}/run", 80, false)).Output);
        var wide = Lines((await Run($"{verb} --wide --run-dir {folder}/run", 80, false)).Output);

        // A pipe has the same texts, not padded to columns.
        Assert.Equal(piped.Select(Unpadded), wide.Select(Unpadded));
        Assert.All(piped, line => Assert.DoesNotMatch(@"\S {9,}\S", line));
        Assert.Equal(piped.Length, shown.Length);
        Assert.All(shown, line => Assert.True(Cells(line) <= 80, line));
        var named = piped.Where(line => Regex.IsMatch(line, "(^|  )documentation-writer-of-the-api  "));
        // What is parked names its sender too, which a narrow terminal leaves out.
        Assert.All(
            named
                .Where(line => verb != "parked" || line.StartsWith("3 ", StringComparison.Ordinal))
                .Select(line => Array.IndexOf(piped, line)),
            i => Assert.Contains("documentation-writer-of-the-api", shown[i], StringComparison.Ordinal)
        );
    }

    private static string Unpadded(string line) => Regex.Replace(line, " {2,}", "  ");

    [Fact]
    public async Task The_status_of_a_named_agent_lists_its_refused_connections()
    {
        var text = new StringBuilder();
        await using var host = new FakeHost($"{folder}/run", (cmd, r) => GoldenData.Answer(3, cmd, r));
        foreach (var width in new int?[] { 80, 120, null })
        {
            var outcome = await Run($"status alice --run-dir {folder}/run", width, false);
            Assert.Equal(0, outcome.ExitCode);
            text.Append(CultureInfo.InvariantCulture, $"== {(width is null ? "a pipe" : $"{width} columns")}\n")
                .Append(outcome.Output);
        }

        Compare("status-alice", text.ToString());
    }

    [Fact]
    public async Task Watch_draws_a_page_on_a_terminal_and_writes_lines_into_a_pipe()
    {
        var text = new StringBuilder();
        foreach (var agents in new[] { 0, 3, 31 })
        {
            var rows = JsonSerializer.SerializeToElement(
                GoldenData.Answer(agents, "agent_status", JsonElement.Parse("{}")),
                WireJson.Options
            );
            JsonElement[] all = [.. rows.GetProperty("agent_statuses").EnumerateArray()];
            foreach (
                var (view, width, colours) in new (string, int, bool)[]
                {
                    ("80 columns", 80, true),
                    ("120 columns", 120, true),
                    ("80 columns with NO_COLOR", 80, false),
                }
            )
            {
                var page = WatchVerb.Page(all, Built.Terminal(width, colours), wide: false);
                text.Append(CultureInfo.InvariantCulture, $"== {agents} agents, {view}\n{page}\n");
                Assert.True(page.Count(c => c == '\n') <= 24, page);
            }

            // The host closes the connection after the first change.
            await using var host = new FakeHost($"{folder}/{agents}", (cmd, r) => GoldenData.Answer(agents, cmd, r));
            var outcome = await Run($"watch --run-dir {folder}/{agents}", null, false);
            Assert.Equal(0, outcome.ExitCode);
            text.Append(CultureInfo.InvariantCulture, $"== {agents} agents, a pipe\n{outcome.Output}{outcome.Error}");
        }

        Compare("watch", text.Replace("\r", "␍").ToString());
    }

    [Fact]
    public async Task The_help_is_what_its_file_says()
    {
        var text = new StringBuilder();
        foreach (var width in new int?[] { 80, 120, null })
            text.Append(CultureInfo.InvariantCulture, $"== {(width is null ? "a pipe" : $"{width} columns")}\n")
                .Append((await Run("help", width, false)).Output);
        foreach (var verb in Verbs.All().Where(v => !v.Hidden && v.TreatUnmatchedTokensAsErrors))
        {
            var help = await Run($"help {verb.Name}", 80, false);
            Assert.DoesNotContain("System.", help.Output, StringComparison.Ordinal);
            Assert.Equal(help.Output, (await Run($"{verb.Name} --help", 80, false)).Output);
        }

        Compare("help", text.ToString());
    }

    [Fact]
    public async Task Every_action_says_its_result_and_its_exit_code()
    {
        var text = new StringBuilder();
        await using var host = new FakeHost($"{folder}/run", (cmd, r) => GoldenData.Answer(3, cmd, r));
        foreach (
            var line in new[]
            {
                "new made",
                "new made --driver scripted -m hello --json",
                "spawn new",
                "spawn new --no-start --json",
                "start alice",
                "stop alice",
                "restart alice",
                "rebuild alice",
                "kill alice",
                "pause alice",
                "resume alice",
                "destroy alice",
                "destroy alice --purge --yes",
                "revive alice",
                "purge alice --yes",
                "update-all",
                "cancel-turn alice",
                "compact alice",
                "new-session alice",
                "model alice",
                "model alice claude-opus",
                "model alice --reset",
                "login alice CODE",
                "send alice hello there",
                "answer 1 12 hours",
                "questions cancel 1",
                "reminders retry 1",
                "reminders cancel 1",
                "parked retry 1 2",
                "parked drop 1",
                // The older spellings.
                "retry 1",
                "drop 1",
                "inbox --parked -n 1",
                "messages done 1 2",
                "messages unread 1 2",
                "waiting snooze question-1",
                "waiting snooze question-1 crash-3 --for 24h --json",
                "waiting unsnooze question-1",
                "waiting seen message-alice",
                "waiting unseen message-alice",
                "config alice",
                "propose alice /dev/null -d why",
                "propose-again 1",
                "approve 1",
                "approve 1 --no-wait",
                "deny 1 not now",
                "request-spawn new -d helper",
                "inputs update input-1",
                "open --no-browser",
                "sessions end 0123456789ab",
                "sessions end --all",
                "token rotate",
                "waiting --kind none",
                "messages --since 24h --agent alice -n 1",
                "forge sync",
                "doctor",
                "ticket create Log in -d more --label shop",
                "ticket load /dev/null",
                "ticket move 41 PHASE_TESTING --reason enough --force",
                "ticket move 41 PHASE_REQUIREMENTS",
                "ticket block 41 --type environment",
                "ticket unblock 41",
                "ticket approve 41 42",
                "ticket reject 41 --reason later --json",
                "ticket comment 41 well done",
                "ticket delete 41 42 --yes",
                "task add 41 Ask a lawyer --type ask --after 101",
                "task cancel 101 102",
                "task retry 105",
                "task skip 105 --reason unimportant",
                "task priority 101 low",
                "gate judge 41",
                "review 12 pass",
                "review 12 fail no error cases",
                // Refused.
                "start nobody",
                "status nobody",
                "questions cancel 404",
                "reminders cancel 404",
                "parked drop 404",
                "parked retry 1 404 2",
                "messages unread 404 1 404",
                "revive nobody",
                "ticket approve 41 404 42",
                "task cancel 404 101 404",
                "review 404 pass",
                // Wrong usage.
                "nonsense",
                "nonsense --help",
                "sttaus",
                "reminders retry x",
                "sessions end",
                "token",
                "audit --kind nonsense",
                "reminders retry",
                "forge",
                "questions x",
                "stats --nonsense",
                "messages --since yesterday",
                "messages -f --search words",
                "waiting snooze question-1 --for soon",
                "waiting snooze",
                "propose alice /nowhere",
                "model alice a --reset",
                "completion tcsh",
                "tickt",
                "ticket mvoe 41 PHASE_TESTING",
                "ticket block 41",
                "ticket reject 41",
                "ticket create Log in --deadline soon",
                "ticket delete x",
                "gate",
                "task add 41 --type ask",
                "task priority 101",
                "review 12 perhaps",
                "review 12 fail",
                // Not reachable.
                "status --run-dir /nonexistent/run",
            }
        )
        {
            var given = line.Contains("--run-dir", StringComparison.Ordinal) ? line : $"{line} --run-dir {folder}/run";
            var outcome = await Run(given, null, false);
            text.Append(CultureInfo.InvariantCulture, $"$ hive {line}\n{outcome.Output}{outcome.Error}");
            text.Append(CultureInfo.InvariantCulture, $"exit {outcome.ExitCode}\n");
        }

        Compare("actions", text.ToString());
    }

    private static string[] Lines(string text) => text.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    private static int Cells(string line) => new Spectre.Console.Rendering.Segment(line).CellCount();

    private static Task<Outcome> Run(string line, int? width, bool colours) =>
        Built.HiveOnAsync(Built.Terminal(width, colours), line.Split(' '));

    private void Compare(string name, string text, [CallerFilePath] string here = "")
    {
        var path = Path.Combine(Path.GetDirectoryName(here)!, "golden", $"{name}.txt");
        // Times are in the zone of the machine.
        var actual = Times()
            .Replace(
                text,
                m => "01-31 12:00:00"[(m.Value.Contains('-') ? 0 : 6)..(m.Value.Count(c => c == ':') > 1 ? 14 : 11)]
            )
            .Replace(folder, "/run/hive")
            .Replace('\u001b', '␛');
        if (Environment.GetEnvironmentVariable("HIVE_UPDATE_GOLDEN") == "1")
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllText(path, actual);
        }

        Assert.Equal(File.ReadAllText(path), actual);
    }

    [GeneratedRegex(
        @"\d\d-\d\d \d\d:\d\d(:\d\d)?|(?<=retried at )\d\d:\d\d:\d\d|^\d\d:\d\d:\d\d(?=  )",
        RegexOptions.Multiline
    )]
    private static partial Regex Times();
}
