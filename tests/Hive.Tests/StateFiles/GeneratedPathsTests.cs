using System.Text;
using Hive.Features.StateFiles;
using Hive.Tests.Fixture;

namespace Hive.Tests.StateFiles;

/// <summary>Compares randomly generated paths with an oracle that walks each component with lstat.</summary>
public sealed class GeneratedPathsTests : IDisposable
{
    private static readonly int Count = Ring.Count(20_000, inLong: 200_000);

    private readonly StateTree tree = new();

    // The paths of all files that may be shown; each file's content is its path.
    private readonly HashSet<string> plain = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string?> links = new(StringComparer.Ordinal);

    public void Dispose() => tree.Dispose();

    [Theory]
    [Sampled]
    [InlineData(false)]
    [InlineData(true)]
    public void Reads_and_references_exactly_the_files_that_the_oracle_allows(bool walk)
    {
        BuildWorld();
        var (opener, random) = (tree.Opener(walk), Ring.Random(walk ? 1 : 0));
        var shown = new HashSet<string>(StringComparer.Ordinal);
        foreach (var path in plain.Concat(Enumerable.Range(0, Count).Select(_ => Generate(random))))
        {
            var expected = Oracle(path);
            using var folders = new KnownFolders();
            using var file = opener.Open(path, out var size);
            var content = file is null ? null : Content(file, size);
            Assert.True(content == expected, $"'{path}' gave '{content}', not '{expected}'");
            Assert.True(opener.Exists(path, folders) == expected is not null, $"scan and read differ on '{path}'");
            if (content is not null)
                shown.Add(path);
        }

        Assert.True(shown.Count > 50, $"only {shown.Count} different paths led to a file");
    }

    private static string Content(Microsoft.Win32.SafeHandles.SafeFileHandle file, long size)
    {
        var bytes = new byte[size];
        return Encoding.UTF8.GetString(bytes, 0, RandomAccess.Read(file, bytes, 0));
    }

    private void BuildWorld()
    {
        string[] names =
        [
            "a",
            "b.md",
            "percent%2e%2e",
            "line\nbreak",
            "back\\slash",
            "...",
            "日本",
            ".git",
            "forge-token",
            "x.sqlite",
            "home",
            "agents",
            "shared",
            "state",
        ];
        foreach (var root in (string[])["/agents/alice/state", "/agents/bob/state", "/shared"])
        {
            foreach (var folder in (string[])["", "/sub", "/sub/deep", "/sub/agents/bob/state"])
            {
                foreach (var name in names)
                    File(root + folder + "/" + name);
            }

            File(root + "/repo/.git/config");
            tree.Link(root + "/in", "sub/deep");
            tree.Link(root + "/sub/up", "..");
            tree.Link(root + "/sub/deep/upup", "../../a");
            tree.Link(root + "/to-a", "a");
            tree.Link(root + "/chain", "in/upup");
            tree.Link(root + "/out", tree.Outside);
            tree.Link(root + "/out-relative", root == "/shared" ? "../../outside" : "../../../../outside");
            tree.Link(root + "/above", "..");
            tree.Link(root + "/round", "../" + root[(root.LastIndexOf('/') + 1)..] + "/a");
            tree.Link(root + "/absolute", tree.On(root + "/a"));
            tree.Link(root + "/loop", "loop");
            tree.Link(root + "/gone", "nothing");
            tree.Link(root + "/hidden", "forge-token");
            tree.Link(root + "/repo-git", "repo/.git");
            System.IO.File.WriteAllText(tree.Outside + root.Replace('/', '-'), "outside");
            tree.HardLink(tree.Outside + root.Replace('/', '-'), root + "/hard");
            tree.Fifo(root + "/fifo");
        }

        foreach (
            var path in (string[])
                [
                    "/agents/alice/home/key",
                    "/agents/alice/state.md",
                    "/agents/a",
                    "/access-token",
                    "/agents/Alice/state/a",
                    "/agents/alice-/state/a",
                    "/applied/alice/a",
                ]
        )
            tree.Write(path, "outside");
        foreach (var name in (string[])["a", "b.md", "state"])
            System.IO.File.WriteAllText($"{tree.Outside}/{name}", "outside");

        void File(string path)
        {
            if (Directory.Exists(tree.On(path)))
                return;
            // Skipped, because a folder of that name is created later.
            var isFolder = path.EndsWith("/sub/agents", StringComparison.Ordinal);
            if (isFolder)
                return;
            tree.Write(path, path);
            plain.Add(path);
        }
    }

    private string Generate(Random random)
    {
        string[] roots =
        [
            "/agents/alice/state",
            "/agents/bob/state",
            "/shared",
            "/agents/alice/home",
            "/agents/alice",
            "/agents",
            "/agents/Alice/state",
            "/agents/alice-/state",
            "/applied/alice",
            "",
            "/etc",
        ];
        string[] names =
        [
            "a",
            "b.md",
            "sub",
            "deep",
            "in",
            "up",
            "upup",
            "to-a",
            "chain",
            "out",
            "out-relative",
            "above",
            "round",
            "absolute",
            "loop",
            "gone",
            "hidden",
            "hard",
            "fifo",
            "percent%2e%2e",
            "line\nbreak",
            "back\\slash",
            "...",
            "日本",
            ".git",
            "forge-token",
            "x.sqlite",
            "repo",
            "repo-git",
            "config",
            "agents",
            "alice",
            "bob",
            "state",
            "shared",
            "home",
            "..",
            ".",
            "",
            "%2e%2e",
            "..\\..",
            "a\0",
            "\ud800",
            "A",
            "key",
            "outside",
            "etc",
            "passwd",
        ];
        var path = new StringBuilder(random.Next(4) == 0 ? tree.DataDir : "");
        path.Append(
            random.Next(20) == 0 ? "" : roots[random.Next(10) < 7 ? random.Next(3) : random.Next(roots.Length)]
        );
        for (var depth = random.Next(1, 6); depth > 0; depth--)
            path.Append('/').Append(names[random.Next(3) > 0 ? random.Next(30) : random.Next(names.Length)]);
        switch (random.Next(30))
        {
            case 0:
                path.Append('/');
                break;
            case 1:
                path.Insert(random.Next(path.Length), (char)random.Next(1, 128));
                break;
            case 2:
                path.Remove(random.Next(path.Length), 1);
                break;
        }

        return path.ToString();
    }

    // Slow and simple: checks the text, then every component with lstat; refuses any link.
    private string? Oracle(string path)
    {
        if (path.StartsWith(tree.DataDir + "/", StringComparison.Ordinal))
            path = path[tree.DataDir.Length..];
        var parts = path.Split('/');
        if (parts.Length < 3 || parts[0].Length > 0 || parts.Any(p => p.Contains('\0') || p.Contains('\ud800')))
            return null;
        var rootLength =
            parts[1] == "shared" ? 2
            : parts is [_, "agents", "alice" or "bob", "state", _, ..] ? 4
            : 0;
        if (
            rootLength == 0
            || parts.Length <= rootLength
            || parts.Skip(rootLength).Any(p => p is "" or "." or ".." || Hidden(p))
        )
            return null;
        for (var length = rootLength + 1; length <= parts.Length; length++)
        {
            if (LinkAt(string.Join('/', parts.Take(length))) is not null)
                return null;
        }

        return plain.Contains(path) ? path : null;
    }

    private string? LinkAt(string path)
    {
        if (!links.TryGetValue(path, out var target))
            links[path] = target = new FileInfo(tree.On(path)).LinkTarget;
        return target;
    }

    private static bool Hidden(string name) =>
        name.Equals(".git", StringComparison.OrdinalIgnoreCase)
        || name.Equals("forge-token", StringComparison.OrdinalIgnoreCase)
        || name.Contains(".sqlite", StringComparison.OrdinalIgnoreCase);
}
