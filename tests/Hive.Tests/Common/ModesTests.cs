using System.Globalization;
using Hive.Tests.Cli;
using Hive.Tests.Fixture;

namespace Hive.Tests.Common;

/// <summary>The modes of all that a host creates.</summary>
public sealed class ModesTests
{
    private const UnixFileMode Others =
        UnixFileMode.GroupRead
        | UnixFileMode.GroupWrite
        | UnixFileMode.GroupExecute
        | UnixFileMode.OtherRead
        | UnixFileMode.OtherWrite
        | UnixFileMode.OtherExecute;

    [Theory]
    [InlineData("000")]
    [InlineData("022")]
    public async Task A_busy_hive_leaves_nothing_that_others_can_read_or_write(string mask)
    {
        var folder = Directory.CreateTempSubdirectory("hive-modes-").FullName;
        string[] up = [.. HostProcess.Arguments(folder), "--Runtime", "process", "--Driver", "scripted"];
        using var host = Built.Start("/bin/sh", ["-c", $"umask {mask}; exec \"$0\" \"$@\"", Built.Host, .. up]);
        var output = Task.WhenAll(host.StandardOutput.ReadToEndAsync(), host.StandardError.ReadToEndAsync());
        var (data, run) = (Path.Combine(folder, "data"), Path.Combine(folder, "run"));
        try
        {
            await RunningHive.AnswersAsync(run, host.WaitForExitAsync());
            await Hive("spawn", "alice");
            await Hive("send", "alice", "write a note");
            await Hive("send", "manager", "look at /shared");
            var proposed = Path.Combine(folder, "agent.yaml");
            await File.WriteAllTextAsync(proposed, "driver: scripted\nenvironment: {A: b}\n");
            var proposal = (await Hive("propose", "alice", proposed, "--json")).Output;
            var id = System.Text.Json.JsonElement.Parse(proposal).GetProperty("approval_id").GetInt64();
            await Hive("approve", id.ToString(CultureInfo.InvariantCulture));
            await Hive("backup", Path.Combine(folder, "hive.tar"), "--with-state");
            await Hive("token", "rotate");

            Assert.Equal("", string.Join('\n', Open(data).Concat(Open(run))));
            Assert.Equal(Path.Combine(folder, "hive.tar"), Assert.Single(Directory.GetFiles(folder, "*.tar")));
            Assert.Equal((UnixFileMode)0, File.GetUnixFileMode(Path.Combine(folder, "hive.tar")) & Others);
            // The run folder itself may be entered by the members of hive-admin; the socket's mode decides.
            Assert.Equal((UnixFileMode)0, File.GetUnixFileMode(data) & Others);
            Assert.Equal(
                (UnixFileMode)0,
                File.GetUnixFileMode(run) & (UnixFileMode.GroupWrite | UnixFileMode.OtherWrite)
            );
            foreach (var agent in new[] { "alice", "manager" })
                await Hive("stop", agent);
        }
        finally
        {
            host.Kill(entireProcessTree: true);
            await host.WaitForExitAsync();
        }

        await output;
        Directory.Delete(folder, recursive: true);

        async Task<Outcome> Hive(params string[] arguments) =>
            Outcomes.Ok(await Built.HiveAsync([.. arguments, "--run-dir", run]));
    }

    // Nothing has to be open: agents reach their folders by mounts of their own, or as the user who runs the host. The
    // socket of the operator is open to the group hive-admin where that exists.
    private static IEnumerable<string> Open(string folder) =>
        from path in Directory.EnumerateFileSystemEntries(folder, "*", SearchOption.AllDirectories)
        where new FileInfo(path).LinkTarget is null && Path.GetFileName(path) != "host.sock"
        let mode = File.GetUnixFileMode(path)
        where (mode & Others) != 0
        select $"{Convert.ToString((int)mode, 8)} {path}";
}
