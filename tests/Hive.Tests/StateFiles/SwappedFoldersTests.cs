using System.Diagnostics;
using Hive.Features.StateFiles;

namespace Hive.Tests.StateFiles;

/// <summary>Reads files while an agent swaps its folders for links to elsewhere in a tight loop.</summary>
public sealed class SwappedFoldersTests : IDisposable
{
    // The race must run for a while; both counts only end the test if the clock stands still.
    private static readonly TimeSpan Duration = TimeSpan.FromSeconds(20);
    private const int MaxReads = 50_000_000;
    private const int MaxSwaps = 200_000_000;

    private readonly StateTree tree = new();

    public void Dispose() => tree.Dispose();

    [Fact]
    public async Task Files_outside_the_state_folder_are_never_read()
    {
        tree.Write("/agents/alice/state/a/b/file.md", "inside");
        tree.Write("/agents/alice/state/c/file.md", "inside");
        tree.Write("/agents/bob/state/file.md", "inside");
        File.WriteAllText($"{tree.Outside}/file.md", "outside");
        File.WriteAllText($"{tree.Outside}/only-outside.md", "outside");
        tree.Link("/agents/alice/state/a/evil", tree.Outside);
        tree.Link("/agents/alice/state/a/evil-up", "../../../../../outside");
        tree.Link("/agents/alice/state/evil-file", $"{tree.Outside}/file.md");
        tree.Link("/agents/alice/state/evil-file-up", "../../../../outside/file.md");
        tree.Link("/agents/bob/evil", "../../../outside");
        // Links that stay inside, so that paths through links are raced too; one goes up through the swapped folder.
        tree.Link("/agents/alice/state/via", "a/b");
        tree.Link("/agents/alice/state/dots", "a/b/../b/file.md");
        // A folder that is moved up and down while a path goes through it, so that its parent changes during the
        // look-up.
        tree.Link("/agents/alice/state/a/b/high.md", "../../c/file.md");

        (string, string)[] swaps =
        [
            ("/agents/alice/state/a/b", "/agents/alice/state/a/evil"),
            ("/agents/alice/state/a/b", "/agents/alice/state/a/evil-up"),
            ("/agents/alice/state/c/file.md", "/agents/alice/state/evil-file"),
            ("/agents/alice/state/c/file.md", "/agents/alice/state/evil-file-up"),
            ("/agents/bob/state", "/agents/bob/evil"),
            ("/agents/alice/state/a", "/agents/alice/state/c"),
        ];
        string[] paths =
        [
            "/agents/alice/state/a/b/file.md",
            "/agents/alice/state/c/file.md",
            "/agents/bob/state/file.md",
            "/agents/alice/state/via/file.md",
            "/agents/alice/state/dots",
            "/agents/alice/state/a/b/high.md",
            "/agents/alice/state/c/b/file.md",
            "/agents/alice/state/a/b/only-outside.md",
            "/agents/alice/state/via/only-outside.md",
            "/agents/bob/state/only-outside.md",
        ];
        var (swapped, seen, refused, lists) = (0, 0, 0, 0);
        using var over = new CancellationTokenSource(Duration);
        var hostile = Task.Factory.StartNew(
            () =>
            {
                for (; swapped < MaxSwaps && !over.IsCancellationRequested; swapped++)
                {
                    var (one, other) = swaps[swapped / 2 % swaps.Length];
                    StateTree.Exchange(tree.On(one), tree.On(other));
                }
            },
            TaskCreationOptions.LongRunning
        );
        // A second attacker, as a separate process that recreates the links each time.
        using var shell = Process.Start(
            new ProcessStartInfo("/bin/sh")
            {
                ArgumentList =
                {
                    "-c",
                    "i=0; while [ $i -lt 20000 ]; do ln -sfn ../../../../outside turn; mv -T turn d "
                        + "2>/dev/null; rm -f d; mkdir -p d; cp f d/file.md; rm -rf d; i=$((i+1)); done",
                },
                WorkingDirectory = Path.GetDirectoryName(tree.On(tree.Write("/agents/alice/state/shell/f", "inside"))),
                Environment = { ["PATH"] = "/usr/bin:/bin" },
            }
        )!;
        try
        {
            string[] all =
            [
                .. paths,
                "/agents/alice/state/shell/d/file.md",
                "/agents/alice/state/shell/d/only-outside.md",
            ];
            var readers = new[] { false, true }
                .Select(walk =>
                    Task.Run(async () =>
                    {
                        var handler = new ReadStateFile.Handler(tree.Opener(walk));
                        var (opener, references) = (tree.Opener(walk), tree.References(walk));
                        var reader = new StateFolderReader(opener);
                        for (var i = 0; i < MaxReads && !over.IsCancellationRequested; i++)
                        {
                            var path = all[i % all.Length];
                            var content = i % 4 == 0 ? await Content(handler, path) : Content(opener, path);
                            Assert.True(content is null or "inside" or "", $"{path} showed '{content}'");
                            _ = content is null ? Interlocked.Increment(ref refused) : Interlocked.Increment(ref seen);
                            if (!path.EndsWith("only-outside.md", StringComparison.Ordinal))
                                continue;
                            Assert.Empty(references.Scan(path));
                            var (root, below) = Folder(path);
                            if (reader.Read(root, below, ListStateFiles.MaxEntries) is not { } listed)
                                continue;
                            Assert.DoesNotContain("only-outside.md", listed.Entries.Select(e => e.Name));
                            _ = Interlocked.Increment(ref lists);
                        }
                    })
                )
                .ToArray();
            await Task.WhenAll(readers);
        }
        finally
        {
            await over.CancelAsync();
            await hostile;
            shell.Kill(entireProcessTree: true);
            await shell.WaitForExitAsync();
        }

        Assert.True(
            seen > 1000 && refused > 1000 && swapped > 1000 && lists > 100,
            $"too few races: {seen} seen, {refused} refused, {swapped} swaps, {lists} listed"
        );
    }

    // The state folder of a path, and the folder below it that holds the file.
    private static (string Root, string Below) Folder(string path)
    {
        var parts = path.Split('/');
        return (string.Join('/', parts[..4]), string.Join('/', parts[4..^1]));
    }

    private static async Task<string?> Content(ReadStateFile.Handler handler, string path)
    {
        try
        {
            return (await handler.Handle(new(path), CancellationToken.None)).Content;
        }
        catch (global::Hive.Common.Errors.Problem)
        {
            return null;
        }
    }

    private static string? Content(StateFileOpener opener, string path)
    {
        using var file = opener.Open(path, out _);
        if (file is null)
            return null;
        var bytes = new byte[100];
        return System.Text.Encoding.UTF8.GetString(bytes, 0, RandomAccess.Read(file, bytes, 0));
    }
}
