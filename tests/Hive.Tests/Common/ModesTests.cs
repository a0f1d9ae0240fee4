using System.Globalization;
using System.IO.Enumeration;
using System.Text.RegularExpressions;
using Hive.Host;
using Hive.Tests.Cli;
using Hive.Tests.Fixture;

namespace Hive.Tests.Common;

/// <summary>The modes of all that a host creates.</summary>
public sealed partial class ModesTests
{
    private const UnixFileMode Others =
        UnixFileMode.GroupRead
        | UnixFileMode.GroupWrite
        | UnixFileMode.GroupExecute
        | UnixFileMode.OtherRead
        | UnixFileMode.OtherWrite
        | UnixFileMode.OtherExecute;

    private const string Script = """
        start:
          - run: "echo noted > notes.md"
        """;

    [Theory]
    [InlineData("000")]
    [InlineData("022")]
    public async Task A_busy_hive_leaves_nothing_that_others_can_read_or_write(string mask)
    {
        var top = Directory.CreateTempSubdirectory("hive-modes-").FullName;
        var folder = Path.Combine(top, "missing", "too");
        string[] up = [.. HostProcess.Arguments(folder), "--Runtime", "process", "--Driver", "scripted"];
        using var host = Built.Start("/bin/sh", ["-c", $"umask {mask}; exec \"$0\" \"$@\"", Built.Host, .. up]);
        var output = Task.WhenAll(host.StandardOutput.ReadToEndAsync(), host.StandardError.ReadToEndAsync());
        var (data, run) = (Path.Combine(folder, "data"), Path.Combine(folder, "run"));
        try
        {
            await RunningHive.AnswersAsync(run, host.WaitForExitAsync());
            // Hive's folders are closed by their own modes.
            foreach (var above in new[] { folder, Path.GetDirectoryName(folder)! })
                Assert.Equal("755", Octal(File.GetUnixFileMode(above)));
            var applied = Directory.CreateDirectory(Path.Combine(data, "applied", "alice"), HiveApp.DataMode).FullName;
            foreach (var (name, text) in new[] { ("agent.yaml", "driver: scripted\n"), ("script.yaml", Script) })
            {
                await File.WriteAllTextAsync(Path.Combine(applied, name), text);
                File.SetUnixFileMode(Path.Combine(applied, name), UnixFileMode.UserRead | UnixFileMode.UserWrite);
            }

            await Hive("spawn", "alice");
            await Hive("send", "alice", "hello");
            await Hive("send", "manager", "look at /shared");
            var proposed = Path.Combine(folder, "agent.yaml");
            await File.WriteAllTextAsync(proposed, "driver: scripted\nenvironment: {A: b}\n");
            var proposal = (await Hive("propose", "alice", proposed, "--json")).Output;
            var id = System.Text.Json.JsonElement.Parse(proposal).GetProperty("approval_id").GetInt64();
            await Hive("approve", id.ToString(CultureInfo.InvariantCulture));
            await Hive("backup", Path.Combine(folder, "hive.tar"), "--with-state");
            await Hive("token", "rotate");
            // The first agent's program runs with the usual mask.
            var written = Path.Combine(data, "agents", "alice", "state", "notes.md");
            await Patience.Until(() => Task.FromResult(File.Exists(written)), "alice writes nothing");
            Assert.Equal("644", Octal(File.GetUnixFileMode(written)));
            foreach (var agent in new[] { "alice", "manager" })
                await Hive("stop", agent);

            Assert.Equal("", string.Join('\n', Open(data).Concat(Open(run))));
            Assert.Equal(Path.Combine(folder, "hive.tar"), Assert.Single(Directory.GetFiles(folder, "*.tar")));
            Assert.Equal((UnixFileMode)0, File.GetUnixFileMode(Path.Combine(folder, "hive.tar")) & Others);
            // The run folder itself may be entered by the members of hive-admin; the socket's mode decides.
            Assert.Equal((UnixFileMode)0, File.GetUnixFileMode(data) & Others);
            Assert.Equal(
                (UnixFileMode)0,
                File.GetUnixFileMode(run) & (UnixFileMode.GroupWrite | UnixFileMode.OtherWrite)
            );
        }
        finally
        {
            host.Kill(entireProcessTree: true);
            await host.WaitForExitAsync();
        }

        await output;
        Directory.Delete(top, recursive: true);

        async Task<Outcome> Hive(params string[] arguments) =>
            Outcomes.Ok(await Built.HiveAsync([.. arguments, "--run-dir", run]));
    }

    // Nothing has to be open: agents reach their folders by mounts of their own, or as the user who runs the host. What
    // they put there is theirs; the folders themselves are closed. The socket of the operator is open to the group
    // hive-admin where that exists.
    private static IEnumerable<string> Open(string folder) =>
        from path in Everything(folder)
        where new FileInfo(path).LinkTarget is null && Path.GetFileName(path) != "host.sock"
        let mode = ModeOf(path)
        where (mode & Others) != 0
        select $"{Octal(mode)} {path}";

    private static IEnumerable<string> Everything(string folder) =>
        new FileSystemEnumerable<string>(
            folder,
            (ref FileSystemEntry entry) => entry.ToFullPath(),
            new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = 0 }
        )
        {
            ShouldRecursePredicate = (ref FileSystemEntry entry) => !OfAgents().IsMatch(entry.ToFullPath()),
        };

    // The host still works, and removes its temporary files.
    private static UnixFileMode ModeOf(string path)
    {
        try
        {
            return File.GetUnixFileMode(path);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return UnixFileMode.None;
        }
    }

    private static string Octal(UnixFileMode mode) => Convert.ToString((int)mode, 8);

    [GeneratedRegex("/data/(agents/[^/]+/[^/]+|shared)$")]
    private static partial Regex OfAgents();
}
