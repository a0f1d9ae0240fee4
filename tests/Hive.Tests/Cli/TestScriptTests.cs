using System.Text.Json;
using static System.StringComparison;

namespace Hive.Tests.Cli;

/// <summary>How <c>./test</c> and <c>.ci/run</c> report results, with stand-ins for the test runners.</summary>
public sealed class TestScriptTests : IDisposable
{
    private const UnixFileMode Runnable = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    private readonly string root = Directory.CreateTempSubdirectory("hive-script-").FullName;
    private string seconds = "600";
    private string? temporary;

    public TestScriptTests()
    {
        foreach (var script in new[] { "test", ".ci/run", "src/build.sh" })
            Program(script, File.ReadAllText(Path.Combine(Repository(), script)));
        foreach (var script in Directory.EnumerateFiles(Path.Combine(Repository(), "tests"), "*.mjs"))
            Program($"tests/{Path.GetFileName(script)}", File.ReadAllText(script));
        Program("tests/long.map", "src/First First.Tests.Podman\n* First.Tests.Podman\n");
        foreach (var suite in new[] { "First.Tests", "Second.Tests" })
        {
            Directory.CreateDirectory(Path.Combine(root, "tests", suite));
            File.WriteAllText(Path.Combine(root, "tests", suite, suite + ".csproj"), "");
        }

        Directory.CreateDirectory(Path.Combine(root, "src", "Dashboard", "node_modules"));
        Program("tests/clients/package-lock.json", "{}");
        Program("tests/clients/node_modules/.installed", "");
        // All programs count as installed.
        foreach (var program in new[] { "bwrap", "podman", "runc", "systemd-nspawn", "chromium", "chattr", "mount" })
            Program($"bin/{program}", "#!/bin/sh\n");
        Program("bin/dotnet", "#!/bin/sh\n[ \"$1\" != --list-sdks ] || echo '10.0.100 [/sdk]'\n");
        Program(
            "bin/npm",
            """
            #!/bin/sh
            for argument do case $argument in --outputFile.json=*) report=${argument#*=} ;; esac; done
            [ -z "${report:-}" ] || echo '{
                "success": true, "numPassedTests": 2, "numFailedTests": 0, "testResults": [{ "assertionResults": [
                    { "fullName": "page draws", "status": "passed" }, { "fullName": "page moves", "status": "passed" },
                    { "fullName": "page sings", "status": "skipped" }, { "fullName": "page dances", "status": "todo" }
                ] }] }' >"$report"
            """
        );
        Suite(
            "First.Tests",
            5,
            ("First.Tests.Podman.Works(name: \"a b\")", "skipped", "podman is not installed\n  and cannot be"),
            ("First.Tests.Root.Works", "skipped", "only root can")
        );
        Suite("Second.Tests", 7);
    }

    public void Dispose() => Directory.Delete(root, recursive: true);

    [Fact]
    public async Task The_last_line_counts_skipped_tests_and_the_reasons_are_above_it()
    {
        var outcome = await Run("test");

        Assert.True(outcome.ExitCode == 0, outcome.ToString());
        foreach (
            var line in new[]
            {
                "First.Tests: First.Tests.Podman.Works(name: \"a b\"): podman is not installed: and cannot be",
                "First.Tests: First.Tests.Root.Works: only root can",
                "dashboard: page sings: marked as skipped",
                "dashboard: page dances: marked as todo",
            }
        )
            Assert.Contains($"    {line}\n", outcome.Output.Split("\nSkipped:\n")[1], Ordinal);
        Assert.EndsWith("\n14 passed, 0 failed, 4 skipped\n", outcome.Output, Ordinal);
    }

    [Fact]
    public async Task A_skipped_test_fails_where_nothing_may_be_skipped()
    {
        var outcome = await Run(".ci/run");

        Assert.Equal(1, outcome.ExitCode);
        // With the sample of the long ring, which runs the first suite again.
        Assert.EndsWith("\n17 passed, 6 failed, 0 skipped\n", outcome.Output, Ordinal);
    }

    [Fact]
    public async Task A_suite_without_skipped_tests_reports_0()
    {
        var outcome = await Run("test", "Second.Tests");

        Assert.True(outcome.ExitCode == 0, outcome.ToString());
        Assert.Contains("-- Second.Tests: 7 passed, 0 failed, 0 skipped (", outcome.Output, Ordinal);
        Assert.EndsWith("\n7 passed, 0 failed, 0 skipped\n", outcome.Output, Ordinal);
    }

    [Fact]
    public async Task A_failed_test_is_shown_with_the_line_that_replays_it()
    {
        Suite("Second.Tests", 2, ("Second.Tests.Dice.Rolls", "failed", "seven"));

        var outcome = await Run("test", "--long", "--seed", "42", "Second.Tests");

        Assert.Equal(1, outcome.ExitCode);
        Assert.Contains("    replay: ./test --long --seed 42 Second.Tests.Dice\n", outcome.Output, Ordinal);
        Assert.Contains("\n    Second.Tests: Second.Tests.Dice.Rolls: seven\n", outcome.Output, Ordinal);
        Assert.EndsWith("\n1 passed, 1 failed, 0 skipped\n", outcome.Output, Ordinal);
        // The long ring tries everything.
        Assert.Contains("ring long, seed 42: -noLogo -noColor -reporter json\n", Log("Second.Tests"), Ordinal);
    }

    [Fact]
    public async Task The_first_ring_leaves_out_the_long_one_and_a_class_runs_alone()
    {
        var outcome = await Run("test", "--repeat", "2", "Second.Tests.Dice");

        Assert.Contains(
            "ring , seed : -noLogo -noColor -reporter json -trait- ring=long -class Second.Tests.Dice\n",
            Log("Second.Tests 2"),
            Ordinal
        );
        Assert.EndsWith("\n14 passed, 0 failed, 0 skipped\n", outcome.Output, Ordinal);
    }

    [Fact]
    public async Task A_suite_that_runs_out_of_time_names_the_tests_that_were_running()
    {
        Suite("Second.Tests", 1, ("Second.Tests.Dice.Rolls", "starting", ""));
        seconds = "1";

        var outcome = await Run("test", "Second.Tests");

        Assert.Equal(1, outcome.ExitCode);
        Assert.Contains(
            "\n    Second.Tests: out of time after 1 s: still running:: Second.Tests.Dice.Rolls (",
            outcome.Output,
            Ordinal
        );
        Assert.EndsWith("\n0 passed, 1 failed, 0 skipped\n", outcome.Output, Ordinal);
    }

    [Fact]
    public async Task An_unknown_change_is_proved_by_the_sample_of_the_long_ring()
    {
        var outcome = await Run("test", "--touched", "Second.Tests");

        Assert.Contains("== the long ring's sample (the change is unknown): 1 classes\n", outcome.Output, Ordinal);
        Assert.Contains(
            "ring long, seed 20260131: -noLogo -noColor -reporter json -trait ring=long -trait ring=sampled "
                + "-class First.Tests.Podman\n",
            Log("First.Tests First.Tests.Podman"),
            Ordinal
        );
    }

    [Theory]
    [InlineData("a b", "contains blanks")]
    [InlineData("missing", "does not exist")]
    public async Task A_folder_for_temporary_files_that_cannot_be_used_is_named(string folder, string says)
    {
        temporary = Path.Combine(root, folder);

        var outcome = await Run("test", "Second.Tests");

        Assert.Equal(1, outcome.ExitCode);
        Assert.Contains(says, outcome.Output, Ordinal);
        Assert.EndsWith("\n0 passed, 1 failed, 0 skipped\n", outcome.Output, Ordinal);
    }

    /// <summary>Writes a stand-in for a test project, which tells of tests as the runner does.</summary>
    private void Suite(string name, int total, params (string Test, string Result, string Reason)[] tests)
    {
        string Event(string kind, int number, object more)
        {
            var told = JsonSerializer.SerializeToNode(more)!.AsObject();
            told.Insert(0, "$type", kind);
            told["TestUniqueID"] = $"{number}";
            told["TestClassUniqueID"] = $"{number}";
            return told.ToJsonString();
        }

        var events = new List<string>();
        foreach (var (number, (test, result, reason)) in tests.Index())
        {
            var owner = test[..test.LastIndexOf('.')];
            events.Add(Event("test-class-starting", number, new { TestClassName = owner }));
            events.Add(Event("test-starting", number, new { TestDisplayName = test }));
            if (result == "starting")
                continue;
            events.Add(Event($"test-{result}", number, new { Reason = reason, Messages = new[] { reason } }));
            events.Add(Event("test-finished", number, new { ExecutionTime = 0.1 }));
        }

        var end = Event(
            "test-assembly-finished",
            0,
            new
            {
                TestsTotal = total,
                TestsFailed = tests.Count(t => t.Result == "failed"),
                TestsSkipped = tests.Count(t => t.Result == "skipped"),
                TestsNotRun = 0,
            }
        );
        Program(
            $"artifacts/bin/{name}/release/{name}",
            $"""
            #!/bin/sh
            echo "ring $HIVE_TEST_RING, seed $HIVE_TEST_SEED: $*"
            cat <<'EVENTS'
            {string.Join('\n', events)}
            EVENTS
            {(tests.Any(t => t.Result == "starting") ? "exec sleep 60" : "")}
            cat <<'EVENTS'
            {end}
            EVENTS
            exit {tests.Count(t => t.Result == "failed")}
            """
        );
    }

    private string Log(string part) => File.ReadAllText(Path.Combine(root, "artifacts", "test-results", $"{part}.log"));

    private async Task<Outcome> Run(string script, params string[] arguments)
    {
        var path = $"{root}/bin:{Environment.GetEnvironmentVariable("PATH")}";
        using var process = Built.Start(
            Path.Combine(root, script),
            arguments,
            ("PATH", path),
            ("TMPDIR", temporary ?? root),
            ("HIVE_TEST_SECONDS", seconds)
        );
        process.StandardInput.Close();
        var error = process.StandardError.ReadToEndAsync();
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return new Outcome(process.ExitCode, output, await error);
    }

    private void Program(string path, string text)
    {
        var file = Path.Combine(root, path);
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        File.WriteAllText(file, text);
        File.SetUnixFileMode(file, Runnable);
    }

    private static string Repository()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "Hive.sln")))
            folder = Path.GetDirectoryName(folder)!;
        return folder;
    }
}
