namespace Hive.Agent.Tests;

public sealed class StateFileTests : IDisposable
{
    private readonly string root = Directory.CreateTempSubdirectory("hive-state-test-").FullName;
    private readonly string state;

    public StateFileTests() => state = Directory.CreateDirectory(Path.Combine(root, "state")).FullName;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(root, recursive: true);

    [Fact]
    public async Task Writes_replaces_and_appends()
    {
        await StateFile.WriteAsync(state, "a/b.txt", "one", false, Ct);
        await StateFile.WriteAsync(state, "a/b.txt", "two", false, Ct);
        await StateFile.WriteAsync(state, "a/b.txt", "+", true, Ct);
        Assert.Equal("two+", File.ReadAllText(Path.Combine(state, "a/b.txt")));
        Assert.Single(Directory.GetFileSystemEntries(Path.Combine(state, "a")));
    }

    [Theory]
    [InlineData("../out.txt")]
    [InlineData("a/../../out.txt")]
    [InlineData("/etc/out.txt")]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("a//b")]
    [InlineData("a/")]
    [InlineData("a\0b")]
    public async Task Refuses_a_path_that_is_not_inside(string path)
    {
        await Assert.ThrowsAsync<FormatException>(() => StateFile.WriteAsync(state, path, "x", false, Ct));
        Assert.Empty(Directory.GetFileSystemEntries(state));
    }

    [Theory]
    [InlineData("link.txt", false)]
    [InlineData("link.txt", true)]
    [InlineData("folder/x.txt", false)]
    [InlineData("folder/x.txt", true)]
    [InlineData("dangling", false)]
    public async Task Follows_no_link(string path, bool append)
    {
        var outside = Path.Combine(root, "outside.txt");
        File.WriteAllText(outside, "untouched");
        File.CreateSymbolicLink(Path.Combine(state, "link.txt"), outside);
        File.CreateSymbolicLink(Path.Combine(state, "folder"), root);
        File.CreateSymbolicLink(Path.Combine(state, "dangling"), Path.Combine(root, "new.txt"));

        await Assert.ThrowsAsync<FormatException>(() => StateFile.WriteAsync(state, path, "x", append, Ct));
        Assert.Equal("untouched", File.ReadAllText(outside));
        Assert.Equal(["outside.txt", "state"], Directory.GetFileSystemEntries(root).Select(Path.GetFileName).Order());
    }
}
