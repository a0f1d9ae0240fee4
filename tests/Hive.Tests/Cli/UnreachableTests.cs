using System.CommandLine;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using Hive.Cli;
using Hive.Cli.Help;
using Hive.Protocol;
using Hive.Tests.Fixture;
using Xunit;

namespace Hive.Tests.Cli;

public sealed class UnreachableTests : IDisposable
{
    private const uint Nobody = 65534;

    private readonly string folder = Directory.CreateTempSubdirectory("hive-none-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task A_missing_host_is_reported_with_the_way_to_start_it()
    {
        var outcome = await Built.HiveAsync(["list", "--run-dir", folder]);

        Assert.Equal(3, outcome.ExitCode);
        Assert.Empty(outcome.Output);
        Assert.Contains("Hive is not running", outcome.Error, StringComparison.Ordinal);
        Assert.Contains("hive up", outcome.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_socket_without_a_host_is_reported_as_down()
    {
        // .NET deletes a socket's file when it closes the socket, unless it was renamed; a killed host leaves it.
        using (var left = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            left.Bind(new UnixDomainSocketEndPoint(Path.Combine(folder, "bound")));
            File.Move(Path.Combine(folder, "bound"), Path.Combine(folder, "host.sock"));
        }

        var outcome = await Built.HiveAsync(["status", "--run-dir", folder]);

        Assert.Equal(3, outcome.ExitCode);
        Assert.Contains("Hive is down", outcome.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("folder of another owner", "belongs to another user")]
    [InlineData("folder that others write", "others can write to the run folder")]
    [InlineData("link", "is a symbolic link to")]
    [InlineData("file", "is not a socket")]
    [InlineData("socket of another owner", "belongs to another user")]
    [InlineData("listener of another user", "a program of another user")]
    public async Task A_socket_that_another_user_may_have_put_there_gets_nothing(string place, string says)
    {
        var root = Environment.IsPrivilegedProcess;
        Requires.That(root || !place.Contains("another", StringComparison.Ordinal), "needs root for another user");
        var run = Path.Combine(folder, "run");
        var socket = Path.Combine(run, "host.sock");
        var asked = 0;
        await using var host = new FakeHost(
            place == "link" ? Path.Combine(folder, "elsewhere") : run,
            (_, _) =>
            {
                Interlocked.Increment(ref asked);
                return new { };
            },
            listensAs: place == "listener of another user" ? Nobody : null
        );
        Directory.CreateDirectory(run);
        switch (place)
        {
            case "folder of another owner":
                await Chown(run);
                break;
            case "folder that others write":
                File.SetUnixFileMode(run, File.GetUnixFileMode(run) | UnixFileMode.OtherWrite);
                break;
            case "link":
                File.CreateSymbolicLink(socket, Path.Combine(folder, "elsewhere", "host.sock"));
                break;
            case "file":
                File.Delete(socket);
                File.WriteAllText(socket, "");
                break;
            case "socket of another owner":
                await Chown(socket);
                break;
        }

        var outcome = await Built.HiveAsync(["send", "alice", "a secret", "--run-dir", run]);

        Assert.Equal((3, ""), (outcome.ExitCode, outcome.Output));
        Assert.Contains(says, outcome.Error, StringComparison.Ordinal);
        Assert.Contains("nothing was sent", outcome.Error, StringComparison.Ordinal);
        Assert.Contains("--run-dir", outcome.Error, StringComparison.Ordinal);
        Assert.Equal(0, asked);

        static async Task Chown(string path)
        {
            using var chown = System.Diagnostics.Process.Start("chown", [$"{Nobody}", path]);
            await chown.WaitForExitAsync();
            Assert.Equal(0, chown.ExitCode);
        }
    }

    [Fact]
    public async Task A_host_that_goes_away_between_several_ids_leaves_none_unmentioned()
    {
        await using var host = new FakeHost(
            folder,
            (_, request) =>
                request.GetProperty("id").GetInt64() switch
                {
                    1 => new { },
                    2 => new HiveException("conflict", "it was delivered"),
                    _ => Array.Empty<object>(),
                }
        );

        var outcome = await Built.HiveAsync(["parked", "drop", "1", "2", "3", "4", "5", "--run-dir", folder]);

        Assert.Equal((3, "message 1 was dropped\n"), (outcome.ExitCode, outcome.Output));
        Assert.Contains("\n  message 2: it was delivered\n  message 3: ", outcome.Error, StringComparison.Ordinal);
        Assert.Contains("it is unknown whether the request was carried out", outcome.Error, StringComparison.Ordinal);
        Assert.EndsWith("\n  message 4: not tried\n  message 5: not tried\n", outcome.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_run_folder_is_read_from_the_environment()
    {
        var outcome = await Built.HiveProcessAsync(["list"], "", ("HIVE_RUNDIR", $"{folder}/elsewhere"));

        Assert.Equal(3, outcome.ExitCode);
        Assert.Contains($"{folder}/elsewhere/host.sock", outcome.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Runs_beside_each_other_in_one_process_share_no_variable_and_no_output()
    {
        string[] places = [.. Enumerable.Range(0, 8).Select(i => $"{folder}/{i}")];

        var outcomes = await Task.WhenAll(
            places.Select(place => Built.HiveAsync(["list"], "", ("HIVE_RUNDIR", place)))
        );

        Assert.Equal(
            places.Select(place => (3, $"{place}/host.sock")),
            outcomes.Select(o => (o.ExitCode, Assert.Single(Regex.Matches(o.Error, "/[^ ]*/host.sock")).Value))
        );
    }

    [Fact]
    public async Task A_path_too_long_for_a_socket_is_refused()
    {
        var outcome = await Built.HiveAsync(["list", "--run-dir", "/tmp/" + new string('x', 120)]);

        Assert.Equal(2, outcome.ExitCode);
        Assert.Contains("107", outcome.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("unknown verb 'nonsense'", "nonsense")]
    [InlineData("unknown verb 'statsu'; did you mean status or stats?", "statsu", "--help")]
    [InlineData("unknown verb 'statsu'; did you mean status or stats?", "help", "statsu")]
    [InlineData("unknown option '--nonsense'", "--nonsense")]
    [InlineData("NAME is missing", "spawn")]
    [InlineData("--port", "demo", "--port", "99999")]
    [InlineData("many", "logs", "alice", "--lines", "many")]
    [InlineData("--yes", "destroy", "alice", "--purge")]
    [InlineData("'many' is not valid for -n; use a whole number", "logs", "alice", "-n", "many")]
    [InlineData("'one' is not valid for ID; use a whole number", "answer", "one", "yes")]
    [InlineData("'99999999999' is not valid for -n; use a whole number", "inbox", "--limit", "99999999999")]
    [InlineData("unexpected argument 'global'; did you mean --scope global?", "budget", "set", "global")]
    [InlineData("unexpected argument 'scope'; did you mean --scope?", "budget", "set", "--usd", "2", "scope")]
    [InlineData("'much' is not valid for --usd; use a number", "budget", "set", "--usd", "much")]
    [InlineData("unknown verb 'mvoe'; did you mean move?", "ticket", "mvoe", "41", "PHASE_TESTING")]
    [InlineData("unknown verb 'graf'; did you mean graph?", "task", "graf")]
    [InlineData("gate needs a verb: show or judge", "gate")]
    [InlineData("--reason is missing", "ticket", "reject", "41")]
    [InlineData("--type is missing", "task", "add", "41", "Ask")]
    [InlineData("PHASE is missing", "ticket", "move", "41")]
    [InlineData("'many' is not valid for --ticket; use a whole number", "task", "--ticket", "many")]
    [InlineData("'perhaps'", "review", "12", "perhaps")]
    [InlineData("the feedback is missing; use: hive review ID fail FEEDBACK", "review", "12", "fail")]
    [InlineData("'soon' is not valid for --deadline", "ticket", "create", "x", "--deadline", "soon")]
    [InlineData("/nowhere cannot be read", "ticket", "load", "/nowhere")]
    [InlineData("add --yes", "ticket", "delete", "41")]
    [InlineData("--dat-dir is not an option; did you mean --data-dir?", "up", "--dat-dir", "/nowhere")]
    [InlineData(
        "--Runtme is not an option; did you mean --runtime?",
        "up",
        "--Urls=http://127.0.0.1:0",
        "--Runtme=process"
    )]
    [InlineData("--runtime cannot be 'bogus'; choose auto, nixos, podman", "up", "--runtime", "bogus")]
    [InlineData("'typo' does not belong to an option", "up", "typo")]
    [InlineData("--Driver needs a value", "up", "--Driver")]
    public async Task An_invalid_command_line_is_refused(string says, params string[] arguments)
    {
        var outcome = await Built.HiveAsync(arguments);

        Assert.Equal(2, outcome.ExitCode);
        Assert.Empty(outcome.Output);
        Assert.Contains(says, outcome.Error, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("System.", outcome.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData]
    [InlineData("help")]
    public async Task Hive_alone_and_hive_help_show_the_verbs(params string[] arguments)
    {
        var outcome = await Built.HiveAsync(arguments);

        Assert.Equal(0, outcome.ExitCode);
        Assert.Empty(outcome.Error);
        Assert.Contains("\nSee\n  status [NAME...] ", outcome.Output, StringComparison.Ordinal);
        Assert.All(
            VerbGroups.All.Select(group => group.Title),
            title => Assert.Contains($"\n\n{title}\n", outcome.Output, StringComparison.Ordinal)
        );
        Assert.Equal(
            (await Built.HiveAsync(["send", "--help"])).Output,
            (await Built.HiveAsync(["help", "send"])).Output
        );
    }

    [Fact]
    public void Every_verb_is_in_one_group_of_the_help()
    {
        var grouped = VerbGroups.All.SelectMany(group => group.Verbs).ToArray();
        Assert.Equal(grouped.Distinct(), grouped);
        Assert.Empty(Verbs.All().Where(verb => !verb.Hidden).Select(verb => verb.Name).Except(grouped));
    }

    [Fact]
    public void Every_slice_with_verbs_is_in_the_list()
    {
        var listed = Verbs.All().ToArray();
        var slices = typeof(Verbs).Assembly.GetTypes().Where(t => t.Name.EndsWith("Verbs", StringComparison.Ordinal));
        foreach (var slice in slices.Where(t => t != typeof(Verbs)))
        {
            var verbs = Assert.IsType<Command[]>(slice.GetMethod("All")!.Invoke(null, null));
            Assert.All(verbs, verb => Assert.Contains(listed, other => other.Name == verb.Name));
        }

        Assert.Equal(listed.Length, listed.DistinctBy(verb => verb.Name).Count());
        Assert.All(listed, verb => Assert.EndsWith(".", verb.Description, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Version_prints_its_own_without_a_host()
    {
        var outcome = await Built.HiveAsync(["version", "--json", "--run-dir", folder]);

        Assert.Equal(0, outcome.ExitCode);
        Assert.Matches("""^\{"hive_version":"\d+\.\d+\.\d+"\}\n$""", outcome.Output);
    }

    [Theory]
    [InlineData("up")]
    [InlineData("demo")]
    [InlineData("status")]
    [InlineData("list")]
    [InlineData("spawn")]
    [InlineData("start")]
    [InlineData("stop")]
    [InlineData("restart")]
    [InlineData("kill")]
    [InlineData("pause")]
    [InlineData("resume")]
    [InlineData("destroy")]
    [InlineData("send")]
    [InlineData("inbox")]
    [InlineData("logs")]
    [InlineData("open")]
    [InlineData("doctor")]
    [InlineData("version")]
    [InlineData("board")]
    [InlineData("ticket")]
    [InlineData("task")]
    [InlineData("gate")]
    [InlineData("reviews")]
    [InlineData("review")]
    public async Task Every_verb_has_help(string verb)
    {
        var outcome = await Built.HiveAsync([verb, "--help"]);

        // The usage names the program that runs: `hive` where the verb has a process of its own.
        var program = verb is "up" or "demo" ? "hive" : RootCommand.ExecutableName;
        Assert.Equal(0, outcome.ExitCode);
        Assert.Contains($"  {program} {verb}", outcome.Output, StringComparison.Ordinal);
        Assert.Empty(outcome.Error);
    }
}
