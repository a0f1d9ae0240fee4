using System.Net.Sockets;
using Xunit;

namespace Hive.Tests.Cli;

public sealed class UnreachableTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("hive-none-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task Says_that_hive_is_not_running_and_how_to_start_it()
    {
        var outcome = await Built.HiveAsync(["list", "--run-dir", folder]);

        Assert.Equal(3, outcome.ExitCode);
        Assert.Empty(outcome.Output);
        Assert.Contains("Hive is not running", outcome.Error, StringComparison.Ordinal);
        Assert.Contains("hive up", outcome.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Says_that_the_host_is_down_when_its_socket_was_left_behind()
    {
        // .NET takes a socket's file along when it closes the socket; a host that is killed does not. Under another
        // name it stays.
        using (var left = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            left.Bind(new UnixDomainSocketEndPoint(Path.Combine(folder, "bound")));
            File.Move(Path.Combine(folder, "bound"), Path.Combine(folder, "host.sock"));
        }

        var outcome = await Built.HiveAsync(["status", "--run-dir", folder]);

        Assert.Equal(3, outcome.ExitCode);
        Assert.Contains("Hive is down", outcome.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Reads_the_run_folder_from_the_environment()
    {
        var outcome = await Built.HiveAsync(["list"], "", ("HIVE_RUNDIR", $"{folder}/elsewhere"));

        Assert.Equal(3, outcome.ExitCode);
        Assert.Contains($"{folder}/elsewhere/host.sock", outcome.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Says_that_a_path_is_too_long_for_a_socket()
    {
        var outcome = await Built.HiveAsync(["list", "--run-dir", "/tmp/" + new string('x', 120)]);

        Assert.Equal(2, outcome.ExitCode);
        Assert.Contains("107", outcome.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("there is no verb 'nonsense'", "nonsense")]
    [InlineData("there is no verb 'statsu'; did you mean status?", "statsu", "--help")]
    [InlineData("there is no verb 'statsu'; did you mean status?", "help", "statsu")]
    [InlineData("there is no option '--nonsense'", "--nonsense")]
    [InlineData("spawn", "spawn")]
    [InlineData("--port", "demo", "--port", "99999")]
    [InlineData("many", "logs", "alice", "--lines", "many")]
    [InlineData("--yes", "destroy", "alice", "--purge")]
    [InlineData("'many' is not valid for -n; use a whole number", "logs", "alice", "-n", "many")]
    [InlineData("'one' is not valid for ID; use a whole number", "answer", "one", "yes")]
    [InlineData("'99999999999' is not valid for -n; use a whole number", "inbox", "--limit", "99999999999")]
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
    public async Task Refuses_a_command_line_that_makes_no_sense(string says, params string[] arguments)
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
        Assert.Contains("  status <NAME>", outcome.Output, StringComparison.Ordinal);
        Assert.Equal(
            (await Built.HiveAsync(["send", "--help"])).Output,
            (await Built.HiveAsync(["help", "send"])).Output
        );
    }

    [Fact]
    public async Task Tells_its_own_version_without_a_host()
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
    public async Task Every_verb_explains_itself(string verb)
    {
        var outcome = await Built.HiveAsync([verb, "--help"]);

        Assert.Equal(0, outcome.ExitCode);
        Assert.Contains($"hive {verb}", outcome.Output, StringComparison.Ordinal);
        Assert.Empty(outcome.Error);
    }
}
