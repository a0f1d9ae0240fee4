using System.Diagnostics;
using System.Globalization;
using Hive.Host;
using Hive.Tests.Cli;
using Hive.Tests.Fixture;
using Hive.Tests.Messages;

namespace Hive.Tests.Common;

public sealed class FolderLockTests
{
    [Theory]
    [InlineData("data", "--data-dir")]
    [InlineData("run", "--run-dir")]
    public async Task A_second_host_on_the_same_folder_names_the_first_and_leaves_it_running(string same, string flag)
    {
        await using var first = await HostProcess.Start();
        var elsewhere = Directory.CreateTempSubdirectory("hive-").FullName;
        var (data, run) =
            same == "data"
                ? (first.DataDir, Path.Combine(elsewhere, "run"))
                : (Path.Combine(elsewhere, "data"), first.RunDir);
        var refused = await HostProcess.Refused(["--DataDir", data, "--RunDir", run, "--Urls", "http://127.0.0.1:0"]);
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains(
            string.Create(CultureInfo.InvariantCulture, $"pid {first.Pid}"),
            refused.Error,
            StringComparison.Ordinal
        );
        Assert.Contains(flag, refused.Error, StringComparison.Ordinal);
        using var host = await first.Operator();
        await host.CallAsync("list");
        Directory.Delete(elsewhere, recursive: true);
    }

    [Fact]
    public async Task The_data_folder_cannot_also_be_the_run_folder()
    {
        var folder = Directory.CreateTempSubdirectory("hive-").FullName;
        var refused = await Assert.ThrowsAsync<StartupProblem>(() =>
            HiveApp.Build(["--DataDir", folder, "--RunDir", folder + "/", "--Urls", "http://127.0.0.1:0"])
        );
        Assert.Contains("--run-dir", refused.Message, StringComparison.Ordinal);
        Directory.Delete(folder);
    }

    [Fact]
    public async Task A_refused_host_releases_the_folder_that_it_had_locked()
    {
        await using var first = await HiveFixture.Start();
        var data = Directory.CreateTempSubdirectory("hive-").FullName;
        await Assert.ThrowsAsync<StartupProblem>(() =>
            HiveApp.Build(["--DataDir", data, "--RunDir", first.RunDir, "--Urls", "http://127.0.0.1:0"])
        );
        (await FolderLock.Take(data, UnixFileMode.UserRead, "--DataDir")).Dispose();
        Directory.Delete(data, recursive: true);
    }

    [Fact]
    public async Task A_lock_that_a_killed_hosts_child_still_holds_is_awaited()
    {
        var folder = Directory.CreateTempSubdirectory("hive-").FullName;
        using var ended = Process.Start("true");
        await ended.WaitForExitAsync();
        File.WriteAllText(Path.Combine(folder, "hive.pid"), ended.Id.ToString(CultureInfo.InvariantCulture));
        using var child = Process.Start(
            new ProcessStartInfo("flock", [Path.Combine(folder, "hive.lock"), "sh", "-c", "echo held; read end"])
            {
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
            }
        )!;
        Assert.Equal("held", await child.StandardOutput.ReadLineAsync());

        var taking = FolderLock.Take(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite, "--data-dir");
        Assert.False(taking.IsCompleted);
        child.StandardInput.Close();
        (await taking).Dispose();
        await child.WaitForExitAsync();
        Directory.Delete(folder, recursive: true);
    }

    [Theory]
    [InlineData("data", "--data-dir")]
    [InlineData("run", "--run-dir")]
    public async Task A_folder_of_another_owner_is_refused(string which, string flag)
    {
        var folder = Directory.CreateTempSubdirectory("hive-").FullName;
        // A folder of another user: root creates one, others use an existing one.
        var foreign = "/usr/share";
        if (Environment.IsPrivilegedProcess)
        {
            foreign = Directory.CreateDirectory(Path.Combine(folder, "foreign")).FullName;
            using var chown = System.Diagnostics.Process.Start("chown", ["65534", foreign]);
            chown.WaitForExit();
        }

        var (data, run) =
            which == "data" ? (foreign, Path.Combine(folder, "run")) : (Path.Combine(folder, "data"), foreign);
        var refused = await Assert.ThrowsAsync<StartupProblem>(() =>
            HiveApp.Build(["--DataDir", data, "--RunDir", run, "--Urls", "http://127.0.0.1:0"])
        );
        Assert.Contains($"{foreign} belongs to another user", refused.Message, StringComparison.Ordinal);
        Assert.Contains("chown", refused.Message, StringComparison.Ordinal);
        Assert.Contains(flag, refused.Message, StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(foreign, "hive.lock")));
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task A_data_folder_below_a_closed_one_is_refused_with_the_flag_that_helps()
    {
        var closed = Directory.CreateTempSubdirectory("hive-closed-").FullName;
        var data = Path.Combine(closed, "data");
        string[] up = ["--data-dir", data, "--run-dir", data + "-run", "--urls", "http://127.0.0.1:0"];
        // Root may enter every folder.
        string[] nobody = Environment.IsPrivilegedProcess
            ? ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
            : [];
        if (nobody.Length == 0)
            File.SetUnixFileMode(closed, UnixFileMode.None);
        using var trial = Built.Start("/usr/bin/env", [.. nobody, Built.Host, "--unknown"]);
        var runs = (await trial.StandardError.ReadToEndAsync()).StartsWith(
            "hive-host: --unknown",
            StringComparison.Ordinal
        );
        Requires.That(runs, "needs a build and a .NET that another user may read");
        using var host = Built.Start("/usr/bin/env", [.. nobody, Built.Host, .. up]);
        var output = host.StandardOutput.ReadToEndAsync();
        var error = await host.StandardError.ReadToEndAsync();
        await host.WaitForExitAsync();
        Assert.Equal((1, ""), (host.ExitCode, await output));
        Assert.StartsWith($"hive-host: the folder {data} cannot be written", error, StringComparison.Ordinal);
        Assert.Contains("--data-dir", error, StringComparison.Ordinal);
        File.SetUnixFileMode(closed, HiveApp.DataMode);
        Directory.Delete(closed, recursive: true);
    }

    [Theory]
    [InlineData("data", UnixFileMode.GroupWrite)]
    [InlineData("data", UnixFileMode.OtherWrite)]
    [InlineData("run", UnixFileMode.OtherWrite)]
    public async Task A_folder_that_others_can_write_is_refused(string which, UnixFileMode also)
    {
        var folder = Directory.CreateTempSubdirectory("hive-").FullName;
        string Made(string name) => Directory.CreateDirectory(Path.Combine(folder, name)).FullName;
        var (data, run) = (Made("data"), Made("run"));
        var open = which == "data" ? data : run;
        File.SetUnixFileMode(open, HiveApp.DataMode | also);
        File.WriteAllText(Path.Combine(open, "theirs"), "");
        var refused = await Assert.ThrowsAsync<StartupProblem>(() =>
            HiveApp.Build(["--DataDir", data, "--RunDir", run, "--Urls", "http://127.0.0.1:0"])
        );
        Assert.Contains($"chmod go-w {open}", refused.Message, StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(open, "hive.lock")));
        Directory.Delete(folder, recursive: true);
    }

    public static TheoryData<string, string, string> Entries()
    {
        TheoryData<string, string, string> entries = [];
        // By the folder, and by what belongs at each name.
        List<(string Folder, string Name, string Wanted)> names =
        [
            .. FolderContents.Files.Append("hive.lock").Append("hive.pid").Select(name => ("data", name, "file")),
            .. FolderContents.Folders.Select(name => ("data", name, "folder")),
            ("run", "hive.lock", "file"),
            ("run", "hive.pid", "file"),
            ("run", "agents", "folder"),
            ("run", "host.sock", "socket"),
        ];
        foreach (var (folder, name, wanted) in names)
        foreach (var found in new[] { "file", "folder", "link", "pipe" }.Where(kind => kind != wanted))
            entries.Add(folder, name, found);
        return entries;
    }

    [Theory]
    [MemberData(nameof(Entries))]
    public async Task A_name_of_the_host_that_stands_for_something_else_is_refused(
        string which,
        string name,
        string found
    )
    {
        var folder = Directory.CreateTempSubdirectory("hive-").FullName;
        string Made(string path) => Directory.CreateDirectory(Path.Combine(folder, path), HiveApp.DataMode).FullName;
        var (data, run) = (Made("data"), Made("run"));
        var theirs = Path.Combine(folder, "theirs");
        File.WriteAllText(theirs, "a-token-of-somebody-else");
        var entry = Path.Combine(which == "data" ? data : run, name);
        Directory.CreateDirectory(Path.GetDirectoryName(entry)!);
        if (found == "file")
            File.WriteAllText(entry, "");
        else if (found == "folder")
            Directory.CreateDirectory(entry);
        else if (found == "link")
            File.CreateSymbolicLink(entry, theirs);
        else
            using (var made = Process.Start("mkfifo", [entry]))
                await made.WaitForExitAsync();
        var refused = await Assert.ThrowsAsync<StartupProblem>(() =>
            HiveApp.Build(["--DataDir", data, "--RunDir", run, "--Urls", "http://127.0.0.1:0"])
        );
        Assert.Contains(entry, refused.Message, StringComparison.Ordinal);
        Assert.Contains("remove it", refused.Message, StringComparison.Ordinal);
        if (found == "link" && which == "data" && FolderContents.Folders.Contains(name))
            Assert.Contains($"rm {entry} && mv {theirs} {entry}", refused.Message, StringComparison.Ordinal);
        Assert.Equal("a-token-of-somebody-else", File.ReadAllText(theirs));
        Assert.True(Path.Exists(entry));
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task A_device_in_place_of_a_file_of_the_host_is_refused()
    {
        Requires.That(Environment.IsPrivilegedProcess, "only root makes devices");
        var data = Directory.CreateTempSubdirectory("hive-").FullName;
        using (var made = Process.Start("mknod", [Path.Combine(data, "hive.sqlite"), "c", "1", "3"]))
            await made.WaitForExitAsync();
        var refused = await Assert.ThrowsAsync<StartupProblem>(() =>
            HiveApp.Build(["--DataDir", data, "--RunDir", data + "/run", "--Urls", "http://127.0.0.1:0"])
        );
        Assert.Contains("hive.sqlite is a device", refused.Message, StringComparison.Ordinal);
        Directory.Delete(data, recursive: true);
    }

    [Fact]
    public async Task After_a_kill_the_next_host_starts()
    {
        var first = await HostProcess.Start();
        await first.Spawn("alice");
        first.Kill();
        await first.Exit();
        await using var second = await HostProcess.Start(first.Folder);
        using var alice = await second.Agent("alice");
        await alice.CallAsync("whoami");
    }

    [Fact]
    public async Task A_linked_database_moves_back_with_all_that_was_acknowledged()
    {
        var first = await HostProcess.Start();
        await first.Spawn("alice");
        using (var host = await first.Operator())
            await host.CallAsync("send", new { to = "alice", body = "kept" });
        first.Kill();
        await first.Exit();
        var elsewhere = Directory.CreateDirectory(Path.Combine(first.Folder, "elsewhere")).FullName;
        // As SQLite leaves them beside a linked database.
        foreach (var path in Directory.GetFiles(first.DataDir, "hive.sqlite*"))
            File.Move(path, Path.Combine(elsewhere, Path.GetFileName(path)));
        var database = Path.Combine(first.DataDir, "hive.sqlite");
        File.CreateSymbolicLink(database, Path.Combine(elsewhere, "hive.sqlite"));

        var refused = await HostProcess.Refused(HostProcess.Arguments(first.Folder));
        var advice = refused.Error.Split('`')[1];
        Assert.EndsWith($"rm {database} && mv {elsewhere}/hive.sqlite {database}", advice, StringComparison.Ordinal);
        using (var shell = Process.Start("sh", ["-c", advice]))
            await shell.WaitForExitAsync();

        await using var second = await HostProcess.Start(first.Folder);
        using var alice = await second.Agent("alice");
        Assert.Equal("kept", Assert.Single(await alice.Receive()).Body);
    }

    [Fact]
    public async Task A_busy_port_is_reported_with_the_flag_that_helps()
    {
        await using var first = await HiveFixture.Start();
        var folder = Directory.CreateTempSubdirectory("hive-").FullName;
        var refused = await HostProcess.Refused([
            "--DataDir",
            Path.Combine(folder, "data"),
            "--RunDir",
            Path.Combine(folder, "run"),
            "--Urls",
            first.Url,
            "--Runtime",
            "external",
        ]);
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("--urls", refused.Error, StringComparison.Ordinal);
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task A_socket_path_that_is_too_long_is_reported_with_the_flag_that_helps()
    {
        var folder = Directory.CreateTempSubdirectory("hive-").FullName;
        var run = Path.Combine(folder, new string('r', 100));
        var refused = await HostProcess.Refused([
            "--DataDir",
            Path.Combine(folder, "data"),
            "--RunDir",
            run,
            "--Urls",
            "http://127.0.0.1:0",
            "--Runtime",
            "external",
        ]);
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("107", refused.Error, StringComparison.Ordinal);
        Assert.Contains("--run-dir", refused.Error, StringComparison.Ordinal);
        Directory.Delete(folder, recursive: true);
    }
}
