using Hive.Common.Errors;
using Hive.Features.StateFiles;
using Hive.Protocol;

namespace Hive.Tests.StateFiles;

/// <summary>Files that are read on an agent's behalf.</summary>
public sealed class StateFileReaderTests
{
    [Fact]
    public void An_agents_own_and_shared_files_are_read_whole_and_only_these()
    {
        using var tree = new StateTree();
        var reader = tree.Reader();
        tree.Write("/agents/alice/state/login/requirements.md", "scope");
        tree.Write("/shared/notes.md", "all");
        var file = reader.Read("alice", tree.On("/agents/alice/state/login/requirements.md"), 5);
        Assert.Equal(
            ("/agents/alice/state/login/requirements.md", "login/requirements.md", "scope"),
            (file.Path, file.Below, System.Text.Encoding.UTF8.GetString(file.Bytes))
        );
        Assert.Equal("notes.md", reader.Read("bob", "/shared/notes.md", 100).Below);
        Assert.Equal(file.Path, reader.Read("alice", "login/requirements.md", 5).Path);
        tree.Write("/agents/alice/state/empty", "");
        Assert.Empty(reader.Read("alice", "/agents/alice/state/empty", 5).Bytes);

        Assert.Equal(
            ErrorCode.TooLarge,
            Code(() => reader.Read("alice", "/agents/alice/state/login/requirements.md", 4))
        );
        tree.Link("/agents/alice/state/link", tree.Write("/agents/bob/state/secret"));
        foreach (
            var path in new[] { "/agents/alice/state/link", "/agents/alice/state/none", "/agents/alice/state/login" }
        )
            Assert.Equal(ErrorCode.NotFound, Code(() => reader.Read("alice", path, 100)));
        foreach (
            var path in new[]
            {
                "/agents/bob/state/secret",
                "/agents/alice/state/../../bob/state/secret",
                "/agents/alice/state/forge-token",
                "/agents/alice/home/x",
                "../../bob/state/secret",
                "",
            }
        )
            Assert.Equal(ErrorCode.Forbidden, Code(() => reader.Read("alice", path, 100)));
    }

    [Fact]
    public void A_folder_is_located_below_a_root_that_is_the_hosts_own()
    {
        using var tree = new StateTree();
        var folder = tree.Reader().Locate("alice", "/agents/alice/state/work/shop");
        Assert.Equal((tree.On("/agents/alice/state"), "work/shop"), (folder.Root, folder.Below));
        Assert.Equal(ErrorCode.Forbidden, Code(() => tree.Reader().Locate("bob", "/agents/alice/state/work/shop")));
    }

    private static ErrorCode Code(Action read) => Assert.Throws<Problem>(read).Code;
}
