using System.CommandLine;
using System.Globalization;
using Hive.Cli;
using Hive.Protocol;

namespace Hive.Tests.Cli;

/// <summary>Every exit code of every verb. A verb without a row fails.</summary>
public sealed class ExitCodeTests : IDisposable
{
    // Of a run that has a test of its own: it replaces the process, starts a host or checks this machine.
    private const int Elsewhere = -1;

    // The arguments of a run that fits, and of one that does not. Then the exit codes when the host carries the first
    // out, when it refuses, with the wrong arguments, and without a host.
    private static readonly (string Verb, string Fits, string Wrong, int[] Codes)[] Rows =
    [
        ("answer", "1 12 hours", "x y", [0, 1, 2, 3]),
        ("approve", "1", "x", [0, 1, 2, 3]),
        ("approve", "1 --no-wait", "", [0, 1, 2, 3]),
        ("artifact add", "41 note --content {}", "41 note --content {", [0, 1, 2, 3]),
        ("artifact list", "41", "x", [0, 1, 2, 3]),
        ("artifact show", "12", "x", [0, 1, 2, 3]),
        ("audit", "--kind login -n 5", "--kind nonsense", [0, 1, 2, 3]),
        ("backup", "FILE", "", [Elsewhere, 1, 2, 3]),
        ("board", "", "--nonsense", [0, 1, 2, 3]),
        ("budget", "", "--nonsense", [0, 1, 2, 3]),
        ("budget delete", "3", "x", [0, 1, 2, 3]),
        ("budget list", "", "--nonsense", [0, 1, 2, 3]),
        ("budget set", "--usd 20 --period day", "--usd much", [0, 1, 2, 3]),
        ("cancel-turn", "alice", "", [0, 1, 2, 3]),
        ("compact", "alice", "", [0, 1, 2, 3]),
        ("completion", "bash", "tcsh", [0, 0, 2, 0]),
        // DemoTests.
        ("demo", "--port 0", "--port 0", [Elsewhere, Elsewhere, 2, Elsewhere]),
        ("config", "alice", "", [0, 1, 2, 3]),
        ("costs", "--scope ticket --of 41", "--nonsense", [0, 1, 2, 3]),
        ("deny", "1 not now", "x", [0, 1, 2, 3]),
        ("destroy", "alice", "", [0, 1, 2, 3]),
        ("discovery add", "101 bug It fails", "x", [0, 1, 2, 3]),
        ("discovery list", "", "--nonsense", [0, 1, 2, 3]),
        ("discovery resolve", "12", "x", [0, 1, 2, 3]),
        // Something is wrong here; DoctorTests runs it without a host.
        ("doctor", "", "--nonsense", [1, 1, 2, Elsewhere]),
        ("duty list", "", "--nonsense", [0, 1, 2, 3]),
        ("duty set", "alice --duty worker", "alice --capacity x", [0, 1, 2, 3]),
        ("forge status", "", "--nonsense", [0, 1, 2, 3]),
        // Something is still behind.
        ("forge sync", "", "--nonsense", [1, 1, 2, 3]),
        ("gate judge", "41", "x", [0, 1, 2, 3]),
        ("gate show", "41 --phase PHASE_TESTING", "x", [0, 1, 2, 3]),
        ("handoff accept", "12", "x", [0, 1, 2, 3]),
        ("handoff decline", "12", "x", [0, 1, 2, 3]),
        ("handoff list", "", "--nonsense", [0, 1, 2, 3]),
        ("handoff request", "101 alice Know it", "x", [0, 1, 2, 3]),
        ("handoff withdraw", "12", "x", [0, 1, 2, 3]),
        ("inbox", "", "--nonsense", [0, 1, 2, 3]),
        ("inputs", "", "nonsense", [0, 1, 2, 3]),
        ("inputs update", "input-1", "", [0, 1, 2, 3]),
        // Its own harness uses alice's socket; JoinTests joins as an external agent.
        ("join", "alice", "alice --claude --codex", [1, 1, 2, 3]),
        ("kept", "", "--nonsense", [0, 1, 2, 3]),
        ("kill", "alice", "", [0, 1, 2, 3]),
        ("list", "", "--nonsense", [0, 1, 2, 3]),
        ("locks", "", "--nonsense", [0, 1, 2, 3]),
        ("locks list", "", "--nonsense", [0, 1, 2, 3]),
        ("locks release", "12", "x", [0, 1, 2, 3]),
        ("login", "alice CODE", "", [0, 1, 2, 3]),
        ("logs", "alice", "alice --lines x", [0, 1, 2, 3]),
        ("messages", "", "--since soon", [0, 1, 2, 3]),
        ("messages done", "1 2", "x", [0, 1, 2, 3]),
        ("messages unread", "1 2", "x", [0, 1, 2, 3]),
        ("model", "alice", "alice a --reset", [0, 1, 2, 3]),
        ("new", "made", "made --role @/nowhere", [0, 1, 2, 3]),
        ("new-session", "alice", "", [0, 1, 2, 3]),
        ("next", "", "--nonsense", [0, 1, 2, 3]),
        ("open", "--no-browser", "--nonsense", [0, 1, 2, 3]),
        ("parked", "", "--nonsense", [0, 1, 2, 3]),
        ("parked retry", "1", "x", [0, 1, 2, 3]),
        ("parked drop", "1", "x", [0, 1, 2, 3]),
        ("pattern", "", "nonsense", [0, 1, 2, 3]),
        ("pattern apply", "small 41", "small", [0, 1, 2, 3]),
        ("pattern delete", "small", "", [0, 1, 2, 3]),
        ("pattern export", "small", "", [0, 1, 2, 3]),
        ("pattern list", "", "--nonsense", [0, 1, 2, 3]),
        ("pattern load", "YAML", "/nowhere", [0, 1, 2, 3]),
        ("pause", "alice", "", [0, 1, 2, 3]),
        ("pending", "", "x", [0, 1, 2, 3]),
        ("propose", "alice /dev/null", "alice /nowhere", [0, 1, 2, 3]),
        ("propose-again", "1", "x", [0, 1, 2, 3]),
        ("purge", "alice --yes", "", [0, 1, 2, 3]),
        ("questions", "", "nonsense", [0, 1, 2, 3]),
        ("questions cancel", "1", "x", [0, 1, 2, 3]),
        ("rebuild", "alice", "", [0, 1, 2, 3]),
        ("reminders", "", "--nonsense", [0, 1, 2, 3]),
        ("reminders cancel", "1", "x", [0, 1, 2, 3]),
        ("reminders retry", "1", "x", [0, 1, 2, 3]),
        ("request-spawn", "made", "", [0, 1, 2, 3]),
        ("restart", "alice", "", [0, 1, 2, 3]),
        ("resume", "alice", "", [0, 1, 2, 3]),
        ("revive", "gone", "", [0, 1, 2, 3]),
        ("review", "12 pass", "12 fail", [0, 1, 2, 3]),
        ("review", "12 fail no error cases", "12 perhaps", [0, 1, 2, 3]),
        ("reviews", "", "--nonsense", [0, 1, 2, 3]),
        ("send", "alice hello", "", [0, 1, 2, 3]),
        ("sessions", "", "--nonsense", [0, 1, 2, 3]),
        ("sessions end", "0123456789ab", "", [0, 1, 2, 3]),
        ("sessions end", "--all", "0123456789ab --all", [0, 1, 2, 3]),
        ("sessions list", "", "--nonsense", [0, 1, 2, 3]),
        ("spawn", "new", "", [0, 1, 2, 3]),
        ("start", "alice", "", [0, 1, 2, 3]),
        ("stats", "", "--nonsense", [0, 1, 2, 3]),
        ("status", "", "--nonsense", [0, 1, 2, 3]),
        ("stop", "alice", "", [0, 1, 2, 3]),
        ("task", "", "nonsense", [0, 1, 2, 3]),
        ("task add", "41 Write it down --type write", "41 Write it down", [0, 1, 2, 3]),
        ("task assign", "101 alice", "x", [0, 1, 2, 3]),
        ("task cancel", "101 102 --reason none", "x", [0, 1, 2, 3]),
        ("task depend", "101 102", "101", [0, 1, 2, 3]),
        ("task graph", "41", "x", [0, 1, 2, 3]),
        ("task hold", "101", "", [0, 1, 2, 3]),
        ("task list", "--ticket 41", "--ticket x", [0, 1, 2, 3]),
        ("task priority", "101 HIGH", "101", [0, 1, 2, 3]),
        ("task release", "101", "", [0, 1, 2, 3]),
        ("task retry", "101", "", [0, 1, 2, 3]),
        ("task show", "101", "x", [0, 1, 2, 3]),
        ("task skip", "101", "", [0, 1, 2, 3]),
        ("task timeout", "101 90", "101", [0, 1, 2, 3]),
        ("task undepend", "101 102", "101", [0, 1, 2, 3]),
        ("threads", "", "--nonsense", [0, 1, 2, 3]),
        ("threads close", "12", "x", [0, 1, 2, 3]),
        ("threads post", "12 Keep both", "x", [0, 1, 2, 3]),
        ("threads show", "12", "", [0, 1, 2, 3]),
        ("ticket", "", "nonsense", [0, 1, 2, 3]),
        ("ticket approve", "41 42", "", [0, 1, 2, 3]),
        ("ticket block", "41 --type environment", "41", [0, 1, 2, 3]),
        ("ticket change", "41 --title Round", "41 --nonsense", [0, 1, 2, 3]),
        ("ticket comment", "41 well done", "x y", [0, 1, 2, 3]),
        ("ticket create", "Round prices", "Round prices --deadline soon", [0, 1, 2, 3]),
        ("ticket delete", "41 --yes", "x", [0, 1, 2, 3]),
        ("ticket hold", "41", "", [0, 1, 2, 3]),
        ("ticket list", "", "--nonsense", [0, 1, 2, 3]),
        ("ticket load", "YAML", "/nowhere", [0, 1, 2, 3]),
        ("ticket move", "41 PHASE_TESTING", "41", [0, 1, 2, 3]),
        ("ticket reject", "41 --reason no", "41", [0, 1, 2, 3]),
        ("ticket release", "41", "", [0, 1, 2, 3]),
        ("ticket show", "41", "x", [0, 1, 2, 3]),
        ("ticket unblock", "41", "", [0, 1, 2, 3]),
        ("token rotate", "", "--nonsense", [0, 1, 2, 3]),
        ("turns", "alice", "", [0, 1, 2, 3]),
        // UpOnTerminalTests and OptionsTests.
        ("up", "", "--nonsense", [Elsewhere, Elsewhere, 2, Elsewhere]),
        ("update-all", "", "--nonsense", [0, 1, 2, 3]),
        // Says why the host's version is missing.
        ("version", "", "--nonsense", [0, 1, 2, 0]),
        // Something waits.
        ("waiting", "", "--nonsense", [1, 1, 2, 3]),
        ("waiting", "--kind none", "--nonsense", [0, 1, 2, 3]),
        ("waiting seen", "message-alice", "", [0, 1, 2, 3]),
        ("waiting snooze", "question-1", "question-1 --for soon", [0, 1, 2, 3]),
        ("waiting unseen", "message-alice", "", [0, 1, 2, 3]),
        ("waiting unsnooze", "question-1 question-2", "", [0, 1, 2, 3]),
        // It ends by Ctrl-C, or with the host.
        ("watch", "", "--nonsense", [0, 1, 2, 3]),
        ("workflow", "", "nonsense", [0, 1, 2, 3]),
        ("workflow delete", "small", "", [0, 1, 2, 3]),
        ("workflow export", "small", "small --dialect x", [0, 1, 2, 3]),
        ("workflow list", "", "--nonsense", [0, 1, 2, 3]),
        ("workflow load", "YAML", "/nowhere", [0, 1, 2, 3]),
    ];

    private readonly string folder = Directory.CreateTempSubdirectory("hive-exit-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void Every_verb_has_a_row() =>
        Assert.Equal(
            CommandLine.Root().Subcommands.Where(v => !v.Hidden).SelectMany(v => Runnable(v, "")).Order(),
            Rows.Select(row => row.Verb).Distinct().Order()
        );

    [Fact]
    public async Task Every_verb_ends_with_the_exit_code_of_what_happened()
    {
        await using var host = new FakeHost($"{folder}/run", (cmd, r) => GoldenData.Answer(3, cmd, r));
        await using var refusing = new FakeHost(
            $"{folder}/refusing",
            (cmd, _) => new HiveException("conflict", $"{cmd} is refused")
        );
        var yaml = Path.Combine(folder, "small.yaml");
        await File.WriteAllTextAsync(yaml, "name: small\n");
        List<string> wrong = [];
        foreach (var (verb, fits, misfits, codes) in Rows)
        {
            await Check("carried out", fits, "run", codes[0]);
            await Check("refused", fits, "refusing", codes[1]);
            await Check("wrong usage", misfits, "run", codes[2]);
            await Check("no host", fits, "missing", codes[3]);

            async Task Check(string situation, string arguments, string run, int expected)
            {
                if (expected == Elsewhere)
                    return;
                var file = Path.Combine(folder, $"{Guid.NewGuid()}.tar");
                var given = arguments.Replace("FILE", file, StringComparison.Ordinal);
                var line = $"{verb} {given.Replace("YAML", yaml, StringComparison.Ordinal)}";
                var (code, said) = await Run($"{line.Trim()} --run-dir {folder}/{run}");
                // Standard error is for what went wrong, and then never empty.
                var isFault = expected > 1 || run == "refusing" && expected == 1;
                if (code != expected || (isFault && said.Length == 0) || (expected == 0 && said.Length > 0))
                    wrong.Add(
                        string.Create(
                            CultureInfo.InvariantCulture,
                            $"hive {line}, {situation}: {code}, not {expected}; {said}"
                        )
                    );
            }
        }

        Assert.True(wrong.Count == 0, string.Join(Environment.NewLine, wrong));
    }

    // A verb that only has other verbs cannot be run.
    private static IEnumerable<string> Runnable(Command verb, string path)
    {
        var name = path + verb.Name;
        var others = verb.Subcommands.Where(v => !v.Hidden).SelectMany(v => Runnable(v, name + " "));
        return verb.Action is null ? others : others.Append(name);
    }

    private static async Task<(int Code, string Error)> Run(string line)
    {
        var outcome = await Built.HiveOnAsync(Built.Terminal(null), line.Split(' '));
        return (outcome.ExitCode, outcome.Error.Trim());
    }
}
