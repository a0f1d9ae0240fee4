namespace Hive.Tests.Cli;

/// <summary>How <c>./test</c> and <c>.ci/run</c> report results, with stand-ins for the test runners.</summary>
public sealed class TestScriptTests : IDisposable
{
    private const UnixFileMode Runnable = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    private readonly string root = Directory.CreateTempSubdirectory("hive-script-").FullName;

    public TestScriptTests()
    {
        foreach (var script in new[] { "test", ".ci/run", "src/build.sh" })
            Program(script, File.ReadAllText(Path.Combine(Repository(), script)));
        foreach (var suite in new[] { "First.Tests", "Second.Tests" })
        {
            Directory.CreateDirectory(Path.Combine(root, "tests", suite));
            File.WriteAllText(Path.Combine(root, "tests", suite, suite + ".csproj"), "");
        }

        Directory.CreateDirectory(Path.Combine(root, "src", "Dashboard", "node_modules"));
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
        // As the runner prints: one test with a reason of two lines, one with a reason at the end.
        Program(
            "artifacts/bin/First.Tests/release/First.Tests",
            """
            #!/bin/sh
            case " $* " in *' -failSkips '*) bad=2 skipped=0 ;; *) bad=0 skipped=2 ;; esac
            echo '  Starting:    First.Tests'
            if [ $bad -eq 0 ]; then
                echo '    First.Tests.Podman.Works(name: "a b") [SKIP]'
                echo '      podman is not installed'
                echo '      and cannot be'
                echo '    First.Tests.Root.Works [SKIP]'
                echo '      only root can'
            fi
            echo '  Finished:    First.Tests (ID = 1)'
            echo '=== TEST EXECUTION SUMMARY ==='
            echo "   First.Tests  Total: 5, Errors: 0, Failed: $bad, Skipped: $skipped, Not Run: 0, Time: 0.1s"
            exit $bad
            """
        );
        Program(
            "artifacts/bin/Second.Tests/release/Second.Tests",
            """
            #!/bin/sh
            echo '   Second.Tests  Total: 7, Errors: 0, Failed: 0, Skipped: 0, Not Run: 0, Time: 0.1s'
            """
        );
    }

    public void Dispose() => Directory.Delete(root, recursive: true);

    [Fact]
    public async Task The_last_line_counts_skipped_tests_and_the_reasons_are_above_it()
    {
        var outcome = await Run("test");

        Assert.True(outcome.ExitCode == 0, outcome.ToString());
        Assert.EndsWith(
            """

            Skipped:
                First.Tests: First.Tests.Podman.Works(name: "a b"): podman is not installed: and cannot be
                First.Tests: First.Tests.Root.Works: only root can
                dashboard: page sings: marked as skipped
                dashboard: page dances: marked as todo

            14 passed, 0 failed, 4 skipped

            """,
            outcome.Output,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task A_skipped_test_fails_where_nothing_may_be_skipped()
    {
        var outcome = await Run(".ci/run");

        Assert.Equal(1, outcome.ExitCode);
        Assert.EndsWith("\n\n14 passed, 4 failed, 0 skipped\n", outcome.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_suite_without_skipped_tests_reports_0()
    {
        var outcome = await Run("test", "Second.Tests");

        Assert.True(outcome.ExitCode == 0, outcome.ToString());
        const string Last = "7 passed, 0 failed, 0 skipped\n";
        Assert.EndsWith($"-- Second.Tests: {Last}\n{Last}", outcome.Output, StringComparison.Ordinal);
    }

    private async Task<Outcome> Run(string script, params string[] arguments)
    {
        var path = $"{root}/bin:{Environment.GetEnvironmentVariable("PATH")}";
        using var process = Built.Start(Path.Combine(root, script), arguments, ("PATH", path), ("TMPDIR", root));
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
