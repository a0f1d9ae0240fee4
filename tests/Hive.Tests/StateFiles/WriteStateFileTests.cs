using Hive.Common.Errors;
using Hive.Protocol;
using Hive.Tests.Fixture;

namespace Hive.Tests.StateFiles;

/// <summary>Tests writing into agents' state folders, with openat2 and without.</summary>
public sealed class WriteStateFileTests : IDisposable
{
    private readonly StateTree tree = new();

    public void Dispose() => tree.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Creates_the_file_and_its_folders_for_the_owner_alone(bool walk)
    {
        var writer = tree.Writer(walk);
        Assert.Null(writer.Fault("alice", "/agents/alice/state/a/b/c.md"));
        Assert.False(Directory.Exists(tree.On("/agents/alice/state/a")));
        writer.Write("alice", "/agents/alice/state/a/b/c.md", "wörtlich");
        Assert.Equal("wörtlich", File.ReadAllText(tree.On("/agents/alice/state/a/b/c.md")));
        Assert.Equal(
            UnixFileMode.UserRead | UnixFileMode.UserWrite,
            File.GetUnixFileMode(tree.On("/agents/alice/state/a/b/c.md"))
        );
        Assert.Equal(
            UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute,
            File.GetUnixFileMode(tree.On("/agents/alice/state/a/b"))
        );
        // Overwrites an existing file by its host path; its mode stays.
        File.SetUnixFileMode(
            tree.On("/agents/alice/state/a/b/c.md"),
            UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead
        );
        writer.Write("alice", tree.On("/agents/alice/state/a/b/c.md"), "x");
        Assert.Equal("x", File.ReadAllText(tree.On("/agents/alice/state/a/b/c.md")));
        Assert.True(File.GetUnixFileMode(tree.On("/agents/alice/state/a/b/c.md")).HasFlag(UnixFileMode.GroupRead));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void New_files_and_folders_get_the_owner_of_the_state_folder(bool walk)
    {
        Requires.That(Environment.IsPrivilegedProcess, "only root can give files away");
        Run("chown", "-R", "12345:23456", tree.On("/agents/alice/state"));
        tree.Writer(walk).Write("alice", "/agents/alice/state/new/file.md", "x");
        Assert.Equal("12345:23456 12345:23456", Owners("/agents/alice/state/new", "/agents/alice/state/new/file.md"));
        // An overwritten file keeps its owner.
        Run("chown", "777:777", tree.On("/agents/alice/state/new/file.md"));
        tree.Writer(walk).Write("alice", "/agents/alice/state/new/file.md", "y");
        Assert.Equal("777:777", Owners("/agents/alice/state/new/file.md"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_next_write_changes_the_owner_of_files_that_a_kill_left(bool walk)
    {
        Requires.That(Environment.IsPrivilegedProcess, "only root can give files away");
        tree.Write("/agents/alice/state/new/deep/file.md", "");
        foreach (var left in (string[])["/agents/alice/state", "/agents/alice/state/new"])
            Run("chown", "12345:23456", tree.On(left));
        var writer = tree.Writer(walk);
        // A check changes nothing.
        Assert.Null(writer.Fault("alice", "/agents/alice/state/new/deep/file.md"));
        Assert.Equal("0:0 0:0", Owners("/agents/alice/state/new/deep", "/agents/alice/state/new/deep/file.md"));
        writer.Write("alice", "/agents/alice/state/new/deep/file.md", "x");
        Assert.Equal(
            "12345:23456 12345:23456",
            Owners("/agents/alice/state/new/deep", "/agents/alice/state/new/deep/file.md")
        );
        // Files of other users keep their owner, and so do files in a folder of this user.
        Run("chown", "777:777", tree.On("/agents/alice/state/new/deep"));
        tree.Write("/agents/bob/state/own/file.md");
        Run("chgrp", "23456", tree.On("/agents/bob/state"));
        writer.Write("alice", "/agents/alice/state/new/deep/file.md", "y");
        tree.Writer(walk).Write("bob", "/agents/bob/state/own/file.md", "y");
        Assert.Equal(
            "777:777 12345:23456",
            Owners("/agents/alice/state/new/deep", "/agents/alice/state/new/deep/file.md")
        );
        Assert.Equal("0:0 0:0", Owners("/agents/bob/state/own", "/agents/bob/state/own/file.md"));
    }

    [Fact]
    public void A_file_with_a_second_hard_link_keeps_its_owner()
    {
        Requires.That(Environment.IsPrivilegedProcess, "only root can give files away");
        var target = Path.Combine(tree.Outside, "target.md");
        File.WriteAllText(target, "kept");
        tree.HardLink(target, "/agents/alice/state/twice.md");
        Run("chown", "12345:23456", tree.On("/agents/alice/state"));
        Assert.Throws<Problem>(() => tree.Writer().Write("alice", "/agents/alice/state/twice.md", "evil"));
        Assert.Equal("0:0", Owners("/agents/alice/state/twice.md"));
    }

    [Theory]
    [InlineData("/agents/alice/state/link.md")]
    [InlineData("/agents/alice/state/inner.md")]
    [InlineData("/agents/alice/state/dangling.md")]
    [InlineData("/agents/alice/state/out/new.md")]
    [InlineData("/agents/alice/state/in/new.md")]
    [InlineData("/agents/alice/state/out/deep/new.md")]
    [InlineData("/agents/alice/state/file.md/new.md")]
    [InlineData("/agents/alice/state/folder")]
    [InlineData("/agents/alice/state/fifo")]
    [InlineData("/agents/alice/state/device")]
    [InlineData("/agents/alice/state/twice.md")]
    [InlineData("/agents/alice/state/magic/new.md")]
    [InlineData("/agents/carol/state/new.md", "carol")]
    public void Refuses_anything_but_the_agents_own_plain_files_and_changes_nothing(string path, string agent = "alice")
    {
        var outside = Path.Combine(tree.Outside, "target.md");
        File.WriteAllText(outside, "kept");
        tree.Write("/agents/alice/state/file.md", "kept");
        Directory.CreateDirectory(tree.On("/agents/alice/state/folder"));
        tree.Link("/agents/alice/state/link.md", outside);
        tree.Link("/agents/alice/state/inner.md", "file.md");
        tree.Link("/agents/alice/state/dangling.md", Path.Combine(tree.Outside, "made.md"));
        tree.Link("/agents/alice/state/out", tree.Outside);
        tree.Link("/agents/alice/state/in", "folder");
        tree.Link("/agents/alice/state/magic", "/proc/self/cwd");
        tree.Link("/agents/carol/state", tree.Outside);
        tree.Fifo("/agents/alice/state/fifo");
        tree.HardLink(outside, "/agents/alice/state/twice.md");
        // Where this user may not create a device, a folder takes its place, which is refused too.
        if (!tree.Device("/agents/alice/state/device"))
            Directory.CreateDirectory(tree.On("/agents/alice/state/device"));
        foreach (var walk in (bool[])[false, true])
        {
            var writer = tree.Writer(walk);
            var fault = writer.Fault(agent, path);
            Assert.Contains(path, fault, StringComparison.Ordinal);
            var problem = Assert.Throws<Problem>(() => writer.Write(agent, path, "evil"));
            Assert.Equal((ErrorCode.Forbidden, fault), (problem.Code, problem.Message));
        }

        Assert.Equal(["target.md"], Directory.EnumerateFileSystemEntries(tree.Outside).Select(Path.GetFileName));
        Assert.Equal("kept", File.ReadAllText(outside));
        Assert.Equal("kept", File.ReadAllText(tree.On("/agents/alice/state/file.md")));
        Assert.Empty(Directory.EnumerateFileSystemEntries(tree.On("/agents/alice/state/folder")));
    }

    [Fact]
    public void Names_and_paths_that_are_too_long_are_refused()
    {
        var writer = tree.Writer();
        writer.Write("alice", $"/agents/alice/state/{new string('x', 255)}", "the longest name");
        foreach (
            var name in new[]
            {
                new string('x', 256),
                new string('ä', 128),
                string.Join('/', Enumerable.Repeat("x", 65)),
                string.Join('/', Enumerable.Repeat(new string('x', 250), 17)),
            }
        )
            Assert.NotNull(writer.Fault("alice", $"/agents/alice/state/{name}"));
    }

    [Fact]
    public async Task Never_writes_outside_while_folders_and_files_are_swapped_for_links()
    {
        const int Races = 10;
        const int MostWrites = 200_000;
        var target = Path.Combine(tree.Outside, "file.md");
        File.WriteAllText(target, "kept");
        tree.Write("/agents/alice/state/a/file.md");
        tree.Link("/agents/alice/state/evil", tree.Outside);
        tree.Link("/agents/alice/state/evil.md", target);
        tree.Link("/agents/alice/evil", tree.Outside);
        (string, string)[] swaps =
        [
            ("/agents/alice/state/a", "/agents/alice/state/evil"),
            ("/agents/alice/state/a/file.md", "/agents/alice/state/evil.md"),
            ("/agents/alice/state", "/agents/alice/evil"),
        ];
        using var over = new CancellationTokenSource();
        var hostile = Task.Factory.StartNew(
            () =>
            {
                for (var i = 0; !over.IsCancellationRequested; i++)
                {
                    // There and back, so that each swap starts from the original state.
                    var (one, other) = swaps[i / 2 % swaps.Length];
                    StateTree.Exchange(tree.On(one), tree.On(other));
                }
            },
            TaskCreationOptions.LongRunning
        );
        var (written, refused) = (0, 0);
        try
        {
            foreach (var writer in new[] { tree.Writer(), tree.Writer(walk: true) })
            {
                // On a busy machine the swaps may begin late.
                for (var i = 0; i < 1000 || (i < MostWrites && (written <= Races || refused <= Races)); i++)
                {
                    try
                    {
                        writer.Write(
                            "alice",
                            i % 2 == 0 ? "/agents/alice/state/a/file.md" : $"/agents/alice/state/a/new/{i % 7}.md",
                            "evil"
                        );
                        written++;
                    }
                    catch (Exception e) when (e is Problem or IOException)
                    {
                        refused++;
                    }
                }
            }
        }
        finally
        {
            await over.CancelAsync();
            await hostile;
        }

        Assert.Equal("kept", File.ReadAllText(target));
        Assert.Equal(["file.md"], Directory.EnumerateFileSystemEntries(tree.Outside).Select(Path.GetFileName));
        Assert.True(written > Races && refused > Races, $"too few races: {written} written, {refused} refused");
    }

    private string Owners(params string[] paths) =>
        Run("stat", ["-c", "%u:%g", .. paths.Select(tree.On)]).Replace('\n', ' ').Trim();

    private static string Run(string program, params string[] arguments)
    {
        using var process = System.Diagnostics.Process.Start(
            new System.Diagnostics.ProcessStartInfo(program, arguments) { RedirectStandardOutput = true }
        )!;
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
        return output;
    }
}
