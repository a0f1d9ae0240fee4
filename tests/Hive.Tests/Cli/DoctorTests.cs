using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Hive.Protocol;
using Hive.Runtimes;
using Hive.Tests.Common;
using Hive.Tests.Fixture;

namespace Hive.Tests.Cli;

public sealed class DoctorTests(RunningHive hive) : IClassFixture<RunningHive>, IDisposable
{
    private const UnixFileMode Everybody =
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    private readonly string folder = Directory.CreateTempSubdirectory("hive-doctor-").FullName;

    private string Data => Path.Combine(folder, "data");

    private string Run => Path.Combine(folder, "run");

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public async Task Without_a_host_doctor_checks_the_same_and_creates_nothing()
    {
        var outcome = await Doctor("--json");
        var found = Diagnosed(outcome);

        Assert.Equal(
            (FindingState.Absent, true),
            (found["host"].State, found["host"].Text.Contains("hive up", StringComparison.Ordinal))
        );
        Assert.Equal(FindingState.Absent, found["data"].State);
        Assert.DoesNotContain("findmnt", found["project quotas"].Text, StringComparison.Ordinal);
        Assert.All(
            new[] { "process", "pidfd", "harness", "git", "SQLite", "disk", "dashboard", "socket paths" },
            name => Assert.Equal(FindingState.Ok, found[name].State)
        );
        Assert.Equal("http://127.0.0.1:0: any free port", found["dashboard"].Text);
        Assert.Empty(Directory.EnumerateFileSystemEntries(folder));
        ExitsByWhetherAnythingIsolates(outcome, found);
    }

    [Fact]
    public async Task A_running_host_checks_itself()
    {
        var outcome = await hive.RunAsync("doctor");
        var found = Diagnosed(await hive.RunAsync("doctor", "--json"));

        Assert.Contains($"  ✔ {"SQLite", -14}", outcome.Output, StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', outcome.Output);
        Assert.Equal(outcome.ExitCode == 0, outcome.Output.EndsWith("Nothing is wrong.\n", StringComparison.Ordinal));
        Assert.Equal(FindingState.Ok, found["host"].State);
        Assert.StartsWith("listens at http://127.0.0.1:", found["dashboard"].Text, StringComparison.Ordinal);
        Assert.All(
            new[] { "data", "run", "host socket", "access token", "openat2" },
            name => Assert.Equal(FindingState.Ok, found[name].State)
        );
        Assert.Contains("0600", found["host socket"].Text, StringComparison.Ordinal);
        if (found["new agents"].State == FindingState.Ok)
            Assert.StartsWith(
                "get 'process', as the option Runtime says",
                found["new agents"].Text,
                StringComparison.Ordinal
            );
        ExitsByWhetherAnythingIsolates(outcome, found);
    }

    [Fact]
    public async Task Each_problem_is_reported_with_its_fix_and_exit_code_1()
    {
        Directory.CreateDirectory(
            Data,
            UnixFileMode.UserRead
                | UnixFileMode.UserWrite
                | UnixFileMode.UserExecute
                | UnixFileMode.OtherRead
                | UnixFileMode.OtherExecute
        );
        var token = Path.Combine(Data, "access-token");
        await File.WriteAllTextAsync(token, "not-so-secret-any-more\n");
        File.SetUnixFileMode(token, Everybody);
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        var url = $"http://{other.LocalEndpoint}";

        string[] flags = ["doctor", "--run-dir", Run, "--DataDir", Data, "--Urls", url];
        var outcome = await Built.HiveAsync(flags, "", ("HIVE_RUNTIME", "nonesuch"));

        Assert.Equal(1, outcome.ExitCode);
        Assert.Matches($"\n  ✘ data +{Data} .*0705.*\n +.*chmod 0700 {Data}", outcome.Output);
        Assert.Matches($"\n  ✘ access token +{token} has mode 0644.*\n +chmod 0600 {token}; ", outcome.Output);
        Assert.Matches($"\n  ✘ dashboard +.*{url} is taken.*\n +.*--urls", outcome.Output);
        Assert.Matches("\n  ✘ settings +.*HIVE_RUNTIME cannot be 'nonesuch'; choose auto, nixos", outcome.Output);
        Assert.Contains("4 things are wrong (✘).", outcome.Output, StringComparison.Ordinal);
    }

    [Fact]
    [Long]
    public async Task An_impossible_data_folder_and_a_too_long_run_folder_are_reported()
    {
        await File.WriteAllTextAsync(Data, "a file");
        var found = Diagnosed(
            await Built.HiveAsync([
                "doctor",
                "--json",
                "--DataDir",
                Path.Combine(Data, "hive"),
                "--RunDir",
                $"{folder}/{new string('x', 100)}",
            ])
        );

        Failed(found["data"], $"{Data} is not a folder", "--data-dir");
        Failed(found["socket paths"], "107 bytes", "--run-dir");
    }

    [Fact]
    [Long]
    public async Task A_read_only_disk_is_reported()
    {
        await HostProcess.RequireMounts();
        Directory.CreateDirectory(Data);
        using var doctor = Built.Start(
            "/usr/bin/env",
            [
                .. HostProcess.Namespace,
                "sh",
                "-ec",
                "mount -t tmpfs -o ro tmpfs \"$1\"; shift; exec \"$@\"",
                "sh",
                Data,
                Built.Command,
                "doctor",
                "--json",
                "--DataDir",
                Data,
                "--RunDir",
                Run,
            ]
        );
        var output = await doctor.StandardOutput.ReadToEndAsync();
        await doctor.WaitForExitAsync();

        Failed(Diagnosed(new Outcome(doctor.ExitCode, output, ""))["data"], "Read-only file system", "--data-dir");
    }

    [Fact]
    public async Task Settings_that_cannot_be_read_are_reported()
    {
        Directory.CreateDirectory(Data);
        await File.WriteAllTextAsync(Path.Combine(Data, "hive.json"), "{ \"Urls\": ");

        var outcome = await Built.HiveAsync(["doctor", "--json", "--DataDir", Data]);

        Failed(Diagnosed(outcome)["settings"], "hive.json", null);
        Assert.Equal(1, outcome.ExitCode);
    }

    [Fact]
    public async Task Missing_programs_are_reported_with_what_to_install()
    {
        var outcome = await Built.HiveAsync(
            ["doctor", "--json", "--DataDir", Data, "--RunDir", Run],
            "",
            ("PATH", folder)
        );
        var found = Diagnosed(outcome);

        Assert.Equal(1, outcome.ExitCode);
        Assert.Equal(
            (FindingState.Absent, "on Debian: apt-get install bubblewrap"),
            (found["sandbox"].State, found["sandbox"].Advice)
        );
        Failed(found["git"], "not installed", "apt-get install git");
        Failed(found["tools"], "setsid", "util-linux");
        Assert.Equal(
            (FindingState.Absent, "Install it: npm install -g @anthropic-ai/claude-code"),
            (found["claude"].State, found["claude"].Advice)
        );
        if (!RuntimeCatalog.Automatic.Any(name => found[name].State == FindingState.Ok))
            Failed(found["new agents"], "no runtime that isolates works here", "bubblewrap");
    }

    [Fact]
    public async Task A_runtime_whose_containers_can_write_kernel_settings_does_not_count_as_working()
    {
        Requires.That(Environment.IsPrivilegedProcess && File.Exists("/usr/bin/bwrap"), "bubblewrap, run by root");
        // Leaves out the mounts that cover parts of /proc, and can give an agent no user of its own.
        const string Uncovered = """
            #!/usr/bin/perl
            if ($ARGV[0] eq "--args") {
                open(F, "<&=8"); local $/; @all = split(/\0/, <F>); splice(@ARGV, 0, 3);
                while (@all) {
                    $word = shift @all;
                    exit 1 if $word eq "--disable-userns";
                    if ($word eq "--ro-bind" && $all[0] =~ m{^/proc/}) { splice(@all, 0, 2) } else { push @kept, $word }
                }
                exec("/usr/bin/bwrap", @kept, "--", @ARGV);
            }
            exec("/usr/bin/bwrap", @ARGV);
            """;
        var found = await DiagnosedWith(Uncovered);

        Assert.Equal(FindingState.Absent, found["sandbox"].State);
        Assert.Contains("does not isolate", found["sandbox"].Text, StringComparison.Ordinal);
        Assert.Contains("/proc/sys/", found["sandbox"].Text, StringComparison.Ordinal);
        Assert.Contains("another runtime", found["sandbox"].Advice, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_bubblewrap_that_cannot_forbid_user_namespaces_works_with_a_warning()
    {
        Requires.That(Environment.IsPrivilegedProcess && File.Exists("/usr/bin/bwrap"), "bubblewrap, run by root");
        const string Old = """
            #!/bin/sh
            if [ "$1" = --args ] && tr '\0' '\n' < /proc/self/fd/8 | grep -q -e --disable-userns; then
                echo "bwrap: Unknown option --disable-userns" >&2
                exit 1
            fi
            exec /usr/bin/bwrap "$@"
            """;
        var found = await DiagnosedWith(Old);

        Assert.Equal(FindingState.Ok, found["sandbox"].State);
        Assert.Contains("limit", found["sandbox"].Text, StringComparison.Ordinal);
    }

    [Fact]
    [Long]
    public async Task Claude_Code_is_reported_with_its_version_and_required_if_new_agents_run_it()
    {
        string[] flags = ["doctor", "--json", "--DataDir", Data, "--RunDir", Run, "--Driver", "claude"];
        Failed(Diagnosed(await Built.HiveAsync(flags, "", ("PATH", folder)))["claude"], "not installed", "npm install");

        var claude = Path.Combine(folder, "claude");
        await File.WriteAllTextAsync(claude, "#!/bin/sh\necho '2.1.330 (Claude Code)'\n");
        File.SetUnixFileMode(claude, Everybody | UnixFileMode.UserExecute);
        var found = Diagnosed(await Built.HiveAsync(flags, "", ("PATH", folder)))["claude"];
        Assert.Equal(FindingState.Ok, found.State);
        Assert.StartsWith("2.1.330 (Claude Code);", found.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_running_host_finds_new_problems_itself()
    {
        await using var fixture = await HiveFixture.Start();
        File.SetUnixFileMode(Path.Combine(fixture.DataDir, "access-token"), Everybody);
        var host = await fixture.Operator();
        File.SetUnixFileMode(fixture.HostSocket, Everybody | UnixFileMode.OtherWrite);

        var found = (await host.CallAsync("doctor"))
            .Deserialize<Diagnosis>(WireJson.Options)!
            .Findings.ToDictionary(f => f.Name);

        Failed(found["access token"], "0644", "chmod 0600");
        Failed(found["host socket"], "0646", $"chmod 0600 {fixture.HostSocket}");
        Assert.Equal(FindingState.Ok, found["data"].State);
        File.Delete(fixture.HostSocket);
        found = (await host.CallAsync("doctor"))
            .Deserialize<Diagnosis>(WireJson.Options)!
            .Findings.ToDictionary(f => f.Name);
        Failed(found["host socket"], "has been removed", "Start Hive again");
    }

    [Fact]
    [Long]
    public async Task Another_host_on_the_same_data_is_reported()
    {
        await using var running = await HostProcess.Start();
        var found = Diagnosed(
            await Built.HiveAsync(["doctor", "--json", "--DataDir", running.DataDir, "--RunDir", Run])
        );

        Failed(found["data"], $"another Hive (pid {running.Pid})", "--data-dir");
        Assert.Equal(FindingState.Absent, found["run"].State);
    }

    [Theory]
    [InlineData("did you mean --data-dir?", "--dta-dir", "/nowhere")]
    [InlineData("--Urls needs a value", "--Urls")]
    public async Task Doctor_takes_the_flags_of_up_and_no_others(string says, params string[] flags)
    {
        var outcome = await Built.HiveAsync(["doctor", .. flags]);

        Assert.Equal(2, outcome.ExitCode);
        Assert.Contains(says, outcome.Error, StringComparison.Ordinal);
    }

    private static Dictionary<string, Finding> Diagnosed(Outcome outcome)
    {
        Assert.True(outcome.ExitCode is 0 or 1, $"{outcome}");
        var diagnosis = JsonSerializer.Deserialize<Diagnosis>(outcome.Output, WireJson.Options)!;
        Assert.Equal(outcome.ExitCode == 0, diagnosis.Healthy);
        return diagnosis.Findings.ToDictionary(f => f.Name);
    }

    private static void Failed(Finding finding, string text, string? advice)
    {
        Assert.Equal(FindingState.Failed, finding.State);
        Assert.Contains(text, finding.Text, StringComparison.Ordinal);
        if (advice is not null)
            Assert.Contains(advice, finding.Advice, StringComparison.Ordinal);
    }

    // Runs doctor with another bubblewrap.
    private async Task<Dictionary<string, Finding>> DiagnosedWith(string bubblewrap)
    {
        // It is started as the agent's user, who may not enter the folder of the tests.
        var reachable = Directory.CreateDirectory($"/tmp/hive-doctor-{Guid.NewGuid():n}");
        try
        {
            var program = Path.Combine(reachable.FullName, "bwrap");
            await File.WriteAllTextAsync(program, bubblewrap);
            foreach (var path in new[] { reachable.FullName, program })
                File.SetUnixFileMode(path, Everybody | UnixFileMode.UserExecute | UnixFileMode.OtherExecute);
            string[] doctor = ["doctor", "--json", "--DataDir", Data, "--RunDir", Run];
            var search = $"{reachable.FullName}:{Environment.GetEnvironmentVariable("PATH")}";
            return Diagnosed(await Built.HiveAsync(doctor, "", ("PATH", search)));
        }
        finally
        {
            reachable.Delete(recursive: true);
        }
    }

    // Everything else works on a machine that runs these tests.
    private static void ExitsByWhetherAnythingIsolates(Outcome outcome, Dictionary<string, Finding> found)
    {
        var isolates = RuntimeCatalog.Automatic.Any(name => found[name].State == FindingState.Ok);
        Assert.True(outcome.ExitCode == (isolates ? 0 : 1), outcome.Output);
        Assert.Equal(isolates ? FindingState.Ok : FindingState.Failed, found["new agents"].State);
    }

    private Task<Outcome> Doctor(params string[] more) =>
        Built.HiveAsync(["doctor", "--run-dir", Run, "--DataDir", Data, "--Urls", "http://127.0.0.1:0", .. more]);
}
