using Hive.Protocol;
using Xunit;

namespace Hive.Tests.Cli;

public sealed class HivePathsTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("hive-paths-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Fact]
    public void Root_uses_the_folders_of_the_system()
    {
        var paths = Find([("HOME", "/root"), ("XDG_RUNTIME_DIR", "/run/user/0")], root: true);

        Assert.Equal("/var/lib/hive", paths.DataDir);
        Assert.Equal("/run/hive", paths.RunDir);
        Assert.Equal("/run/hive/host.sock", paths.HostSocket);
        Assert.Equal("/run/hive/agents/alice/agent.sock", paths.AgentSocket("alice"));
    }

    [Fact]
    public void A_user_uses_the_folders_of_the_session()
    {
        var paths = Find([("HOME", folder), ("XDG_STATE_HOME", $"{folder}/state"), ("XDG_RUNTIME_DIR", "/run/user/7")]);

        Assert.Equal($"{folder}/state/hive", paths.DataDir);
        Assert.Equal("/run/user/7/hive", paths.RunDir);
    }

    [Fact]
    public void Without_a_session_the_sockets_are_in_the_data_folder()
    {
        var paths = Find([("HOME", folder)]);

        Assert.Equal($"{folder}/.local/state/hive", paths.DataDir);
        Assert.Equal($"{folder}/.local/state/hive/run", paths.RunDir);
    }

    [Fact]
    public void A_relative_folder_of_the_session_is_ignored()
    {
        var paths = Find([("HOME", folder), ("XDG_STATE_HOME", "state"), ("XDG_RUNTIME_DIR", "run")]);

        Assert.Equal($"{folder}/.local/state/hive/run", paths.RunDir);
    }

    [Fact]
    public void The_command_line_overrides_the_environment_which_overrides_the_settings()
    {
        (string, string) data = ("HIVE_DATADIR", folder);
        File.WriteAllText(
            $"{folder}/hive.json",
            """{ "Urls": "http://127.0.0.1:7001", "runDir": "/from/settings", }"""
        );

        Assert.Equal("/from/settings", Find([data]).RunDir);
        Assert.Equal("/from/environment", Find([data, ("HIVE_RUNDIR", "/from/environment")]).RunDir);
        Assert.Equal(
            "/from/flag",
            HivePaths
                .Find(
                    runDir: "/from/flag",
                    environment: Environment([data, ("HIVE_RUNDIR", "/from/environment")]),
                    root: false
                )
                .RunDir
        );
    }

    [Fact]
    public void An_invalid_settings_file_is_named_with_the_way_out()
    {
        File.WriteAllText($"{folder}/hive.json", "{ RunDir");

        var error = Assert.Throws<InvalidOperationException>(() => Find([("HIVE_DATADIR", folder)]));

        Assert.Contains($"{folder}/hive.json", error.Message, StringComparison.Ordinal);
        Assert.Contains("--run-dir", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void With_a_named_run_folder_no_home_is_needed()
    {
        var paths = Find([("HIVE_RUNDIR", "/somewhere")]);

        Assert.Equal("/somewhere", paths.RunDir);
        Assert.Contains(
            "--data-dir",
            Assert.Throws<InvalidOperationException>(() => paths.DataDir).Message,
            StringComparison.Ordinal
        );
    }

    private static HivePaths Find((string, string)[] variables, bool root = false) =>
        HivePaths.Find(environment: Environment(variables), root: root);

    private static Func<string, string?> Environment((string Name, string Value)[] variables) =>
        name => variables.FirstOrDefault(v => v.Name == name).Value;
}
