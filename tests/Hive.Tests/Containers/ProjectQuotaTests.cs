using System.Text.Json;
using Hive.Protocol;
using Hive.Runtimes;
using Hive.Runtimes.Local;
using Hive.Tests.Common;
using Hive.Tests.Fixture;

namespace Hive.Tests.Containers;

/// <summary>Tests the calls that set project quotas. Stand-ins for the programs log them, because few kernels of build
/// machines have quotas; docs/containers.md names those on which the real programs were tried.</summary>
public sealed class ProjectQuotaTests
{
    private const string StandIn = """
        #!/bin/sh
        here=$(cd "$(dirname "$0")/.." && pwd -P)
        called=$(basename "$0")
        [ "$#" -eq 0 ] || printf '%s\n' "$called $*" >> "$here/commands"
        case $called in
            findmnt) cat "$here/mounts"; [ -s "$here/mounts" ] ;;
            chattr)
                project=$2
                shift 3
                for folder; do echo "$project" > "$here/project$(echo "$folder" | tr / _)"; done ;;
            lsattr)
                shift 2
                for folder; do
                    echo "$(cat "$here/project$(echo "$folder" | tr / _)") --------------e----P-- $folder"
                done ;;
            setquota) [ ! -e "$here/broken" ] || { echo 'setquota: no quota here' >&2; exit 1; } ;;
        esac
        """;

    private readonly string folder = Directory.CreateTempSubdirectory("hive-quota-").FullName;

    private string Data => Path.Combine(folder, "data");

    private string Broken => Path.Combine(folder, "broken");

    private string[] Own =>
        [Path.Combine(Data, "agents", "worker", "state"), Path.Combine(Data, "agents", "worker", "home")];

    [Fact]
    public Task New_folders_get_a_project_and_each_start_sets_its_quota() =>
        Run(async host =>
        {
            var project = ProjectOf("worker");
            string[] begun =
            [
                $"chattr -p {project} +P {string.Join(' ', Own)}",
                $"lsattr -p -d {string.Join(' ', Own)}",
                // 95 % of 64 MiB, in units of 1 KiB, and a file for each 16 KiB.
                $"setquota -P {project} 0 62259 0 3891 {Data}",
            ];
            Assert.Equal(begun, Commands(project, "/worker/"));
            await host.CallAsync("restart", new { name = "worker" });
            Assert.Equal([.. begun, .. begun[1..]], Commands(project, "/worker/"));

            var (shared, path) = (ProjectOf("/shared"), Path.Combine(Data, "shared"));
            string[] all =
            [
                $"chattr -p {shared} +P {path}",
                $"lsattr -p -d {path}",
                // 105 % of 64 MiB.
                $"setquota -P {shared} 0 68812 0 4300 {Data}",
            ];
            await Patience.UntilFiles(folder, () => Commands(shared, path).Length == all.Length, "it has a quota");
            Assert.Equal(all, Commands(shared, path));
            Assert.Equal(FindingState.Ok, (await Found(host)).State);
        });

    [Fact]
    public Task Folders_without_their_project_are_named_with_the_command() =>
        Run(async host =>
        {
            // As after a restore, or before the disk had quotas.
            await File.WriteAllTextAsync(Path.Combine(folder, $"project{Own[0].Replace('/', '_')}"), "0\n");
            await host.CallAsync("restart", new { name = "worker" });
            var note = await Note(host);
            Assert.Contains("its files are measured, but have no quota", note, StringComparison.Ordinal);
            var project = ProjectOf("worker");
            var folders = string.Join(' ', Own.Select(path => $"'{path}'"));
            Assert.Contains($"chattr -R -p {project} +P {folders}", note, StringComparison.Ordinal);
            Assert.StartsWith("lsattr", Commands(project, "/worker/")[^1], StringComparison.Ordinal);
        });

    [Fact, Long]
    public Task A_quota_that_cannot_be_set_is_a_weakness_and_prevents_no_start() =>
        Run(async host =>
        {
            await File.WriteAllTextAsync(Broken, "");
            await host.CallAsync("restart", new { name = "worker" });
            Assert.Contains(
                "setquota ended with 1: setquota: no quota here",
                await Note(host),
                StringComparison.Ordinal
            );
            File.Delete(Broken);
            await host.CallAsync("restart", new { name = "worker" });
            Assert.DoesNotContain("quota", await Note(host) ?? "", StringComparison.Ordinal);
        });

    [Fact, Long]
    public Task Missing_programs_for_quotas_are_named_by_doctor() =>
        Run(async host =>
        {
            File.WriteAllText(Path.Combine(folder, "bin", "setquota"), "#!/bin/sh\nexit 127\n");
            var found = await Found(host);
            Assert.Equal(FindingState.Failed, found.State);
            Assert.EndsWith("but not installed: setquota", found.Text, StringComparison.Ordinal);
        });

    [Theory, Long]
    [InlineData("rw,relatime DATA\n", "DATA is mounted without prjquota")]
    [InlineData("", "findmnt knows no mount of DATA")]
    public Task Without_quotas_agents_start_and_doctor_says_why(string mounts, string reason) =>
        Run(
            async host =>
            {
                Assert.Empty(Commands(ProjectOf("worker"), "/worker/"));
                Assert.DoesNotContain("quota", await Note(host) ?? "", StringComparison.Ordinal);
                var found = await Found(host);
                Assert.Equal(FindingState.Absent, found.State);
                Assert.Contains(
                    reason.Replace("DATA", Data, StringComparison.Ordinal),
                    found.Text,
                    StringComparison.Ordinal
                );
            },
            mounts
        );

    [Fact, Long]
    public Task Odd_output_of_findmnt_is_a_weakness_and_prevents_no_start() =>
        Run(
            async host =>
            {
                Assert.Contains($"findmnt says nothing of {Data}", await Note(host), StringComparison.Ordinal);
                Assert.Equal(FindingState.Failed, (await Found(host)).State);
            },
            "\n"
        );

    /// <summary>Runs a test on a host whose disk seems to have project quotas, with an agent.</summary>
    private async Task Run(Func<LineClient, Task> test, string mounts = "rw,prjquota DATA\n")
    {
        Requires.That(Environment.IsPrivilegedProcess, "only root sets quotas");
        var bin = Directory.CreateDirectory(Path.Combine(folder, "bin")).FullName;
        foreach (var name in new[] { "findmnt", "chattr", "lsattr", "setquota" })
        {
            var program = Path.Combine(bin, name);
            File.WriteAllText(program, StandIn);
            File.SetUnixFileMode(program, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }

        await File.WriteAllTextAsync(
            Path.Combine(folder, "mounts"),
            mounts.Replace("DATA", Data, StringComparison.Ordinal)
        );
        Configure("worker", "limits: { disk: 64 MB }\n");
        await using var host = await HostProcess.Start(
            folder,
            [("PATH", $"{bin}:{Environment.GetEnvironmentVariable("PATH")}")],
            "--Driver",
            "scripted",
            "--Disk:SharedMegabytes",
            "64"
        );
        using var client = await host.Operator();
        try
        {
            await client.CallAsync("spawn", new { name = "worker", runtime = "process" });
            await test(client);
        }
        finally
        {
            await client.CallAsync("kill", new { name = "worker" });
        }
    }

    private void Configure(string agent, string yaml) =>
        File.WriteAllText(
            Path.Combine(Directory.CreateDirectory(Path.Combine(Data, "applied", agent)).FullName, "agent.yaml"),
            yaml
        );

    private string ProjectOf(string owner) =>
        AgentUser
            .Of(Instance.Of(HivePaths.Find(Data)), owner)
            .ToString(System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>The calls for a project, or that list its folders.</summary>
    private string[] Commands(string project, string path) =>
        [
            .. File.ReadAllLines(Path.Combine(folder, "commands"))
                .Where(line =>
                    line.Contains($" {project} ", StringComparison.Ordinal)
                    || (
                        line.StartsWith("lsattr", StringComparison.Ordinal)
                        && line.Contains(path, StringComparison.Ordinal)
                    )
                ),
        ];

    private static async Task<string?> Note(LineClient operators) =>
        (await operators.CallAsync("agent_status"))
            .GetProperty("agent_statuses")
            .EnumerateArray()
            .Select(row => row.Deserialize<ContainerView>(WireJson.Options)!)
            .Single(row => row.Name == "worker")
            .Note;

    private static async Task<Finding> Found(LineClient operators) =>
        (await operators.CallAsync("doctor"))
            .Deserialize<Diagnosis>(WireJson.Options)!
            .Findings.Single(f => f.Name == "project quotas");
}
