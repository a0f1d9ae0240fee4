using System.Text;
using Hive.Features.StateFiles;

namespace Hive.Tests.StateFiles;

public sealed class ReadStateFileTests : IDisposable
{
    private readonly StateTree tree = new();

    public void Dispose() => tree.Dispose();

    [Fact]
    public async Task Reads_a_file_in_container_and_in_host_form()
    {
        tree.Write("/agents/alice/state/notes/report.md", "# Report\n");
        tree.Write("/shared/plan.md", "");
        await tree.MustRead("/agents/alice/state/notes/report.md", "# Report\n");
        await tree.MustRead($"{tree.DataDir}/agents/alice/state/notes/report.md", "# Report\n");
        await tree.MustRead("/shared/plan.md", "");
        await tree.MustRead($"{tree.DataDir}/shared/plan.md", "");
        var result = await tree.Read("/agents/alice/state/notes/report.md");
        Assert.Equal((9, false), (result.Size, result.Truncated));
    }

    [Theory]
    [InlineData("")]
    [InlineData("/")]
    [InlineData("agents/alice/state/report.md")]
    [InlineData("/etc/passwd")]
    [InlineData("/access-token")]
    [InlineData("/agents/alice/home/key")]
    [InlineData("/agents/alice/state")]
    [InlineData("/agents/alice/state/")]
    [InlineData("/agents/alice/state/folder")]
    [InlineData("/agents/alice/state/folder/")]
    [InlineData("/agents/alice/state/report.md/")]
    [InlineData("/agents/alice/state/report.md/x")]
    [InlineData("/agents/alice/state/../home/key")]
    [InlineData("/agents/alice/state/folder/../../home/key")]
    [InlineData("/agents/alice/state/folder/../report.md")]
    [InlineData("/agents/alice/state/./report.md")]
    [InlineData("/agents/alice/state//report.md")]
    [InlineData("/agents/alice/state/..\\home\\key")]
    [InlineData("/agents/alice/state/%2e%2e/home/key")]
    [InlineData("/agents/alice/state/%252e%252e/home/key")]
    [InlineData("/agents/alice/state/..%2fhome/key")]
    [InlineData("/agents/alice/state/report.md\0")]
    [InlineData("/agents/alice/state/report.md\0.png")]
    [InlineData("/agents/alice/state/report.md\n")]
    [InlineData("/agents/ALICE/state/report.md")]
    [InlineData("/agents/./alice/state/report.md")]
    [InlineData("/agents/alice\0/state/report.md")]
    [InlineData("/agents/*/state/report.md")]
    [InlineData("/shared/../agents/alice/home/key")]
    [InlineData("/shared/../../../../../../etc/passwd")]
    [InlineData("//shared/plan.md")]
    [InlineData("file:///shared/plan.md")]
    [InlineData("/proc/self/root/shared/plan.md")]
    [InlineData("/shared/half-\ud800-pair")]
    [InlineData("/shared/half-\ufffd-pair\udc00")]
    public async Task Refuses_paths_that_are_not_state_files(string path)
    {
        tree.Write("/agents/alice/state/report.md");
        tree.Write("/agents/alice/state/folder/x");
        tree.Write("/agents/alice/home/key");
        tree.Write("/access-token");
        tree.Write("/shared/plan.md");
        tree.Write("/shared/half-\ufffd-pair");
        await tree.MustRefuse(path);
        await tree.MustRefuse(tree.DataDir + path);
        await tree.MustRefuse(tree.DataDir + tree.DataDir + path);
    }

    [Fact]
    public async Task Reads_files_whose_names_only_look_dangerous()
    {
        foreach (
            var path in (string[])
                [
                    "/shared/line\nbreak.md",
                    "/shared/%2e%2e",
                    "/shared/..\\..\\etc",
                    "/shared/...",
                    "/shared/ blank ",
                    "/shared/C:\\x",
                ]
        )
        {
            tree.Write(path, "inside");
            Assert.Equal("inside", (await tree.Read(path)).Content);
            Assert.Equal("inside", (await tree.Read(path, walk: true)).Content);
        }
    }

    [Fact]
    public async Task Refuses_paths_that_are_too_long_or_too_deep()
    {
        await tree.MustRefuse("/shared/" + new string('a', 256));
        await tree.MustRefuse("/shared/" + string.Join('/', Enumerable.Repeat(new string('a', 200), 40)));
        await tree.MustRefuse("/shared/" + new string('é', 1_000_000));
        await tree.MustRead(
            tree.Write("/shared/" + string.Join('/', Enumerable.Repeat("a", StateFilePath.MaxComponents))),
            "inside"
        );
        await tree.MustRefuse(
            tree.Write("/shared/" + string.Join('/', Enumerable.Repeat("b", StateFilePath.MaxComponents + 1)))
        );
    }

    [Fact]
    public async Task Refuses_links_that_lead_out_of_the_folder()
    {
        File.WriteAllText($"{tree.Outside}/secret.md", "outside");
        tree.Write("/agents/alice/home/key", "outside");
        tree.Write("/agents/bob/state/own.md", "outside");
        tree.Write("/agents/alice/state/report.md");
        var links = new Dictionary<string, string>
        {
            ["absolute"] = $"{tree.Outside}/secret.md",
            ["absolute-inside"] = tree.On("/agents/alice/state/report.md"),
            ["relative"] = "../../../../outside/secret.md",
            ["sibling"] = "../home/key",
            ["other"] = "../../bob/state/own.md",
            ["back"] = "../state/report.md",
            ["chain"] = "absolute",
            ["loop"] = "loop",
            ["dangling"] = "nothing",
            ["to-folder"] = ".",
            ["root"] = "/proc/self/root/etc/passwd",
            ["cwd"] = "/proc/self/cwd",
            ["stdin"] = "/dev/stdin",
            ["zero"] = "/dev/zero",
        };
        foreach (var (name, target) in links)
        {
            tree.Link($"/agents/alice/state/{name}", target);
            await tree.MustRefuse($"/agents/alice/state/{name}");
        }

        tree.Link("/agents/alice/state/folder", tree.Outside);
        tree.Link("/agents/alice/state/up", "../../../../outside");
        tree.Link("/agents/alice/state/fd", "/proc/self/fd");
        await tree.MustRefuse("/agents/alice/state/folder/secret.md");
        await tree.MustRefuse("/agents/alice/state/up/secret.md");
        for (var descriptor = 0; descriptor < 256; descriptor++)
            await tree.MustRefuse($"/agents/alice/state/fd/{descriptor}");
    }

    [Fact]
    public async Task Refuses_links_that_stay_in_the_folder()
    {
        tree.Write("/agents/alice/state/notes/report.md", "inside");
        tree.Write("/agents/alice/state/.git/config", "hidden");
        tree.Write("/agents/alice/state/forge-token", "hidden");
        tree.Link("/agents/alice/state/latest.md", "notes/report.md");
        tree.Link("/agents/alice/state/notes/again.md", "../latest.md");
        tree.Link("/agents/alice/state/folder", "notes/../notes");
        tree.Link("/agents/alice/state/config", ".git/config");
        tree.Link("/agents/alice/state/repository", ".git");
        tree.Link("/agents/alice/state/token", "forge-token");
        foreach (
            var path in (string[])
                ["latest.md", "notes/again.md", "folder/report.md", "config", "repository/config", "token"]
        )
            await tree.MustRefuse($"/agents/alice/state/{path}");
        await tree.MustRead("/agents/alice/state/notes/report.md", "inside");
    }

    [Fact]
    public async Task Refuses_nested_links()
    {
        // Each link goes through the previous one many times, so that the last costs the kernel the most steps it
        // allows.
        tree.Write("/agents/alice/state/d/file.md");
        tree.Link("/agents/alice/state/l0", "d");
        for (var i = 1; i < 38; i++)
            tree.Link($"/agents/alice/state/l{i}", $"{string.Concat(Enumerable.Repeat("d/../", 700))}l{i - 1}");
        await tree.MustRefuse("/agents/alice/state/l37/file.md");
        await tree.MustRead("/agents/alice/state/d/file.md", "inside");
    }

    [Fact]
    public async Task Refuses_a_root_that_has_become_a_link()
    {
        File.WriteAllText($"{tree.Outside}/secret.md", "outside");
        Directory.Delete(tree.On("/agents/bob/state"));
        tree.Link("/agents/bob/state", tree.Outside);
        tree.Link("/agents/eve", "alice");
        tree.Write("/agents/alice/state/report.md");
        tree.Link("/agents/alice/state/again.md", "report.md");
        await tree.MustRefuse("/agents/bob/state/secret.md");
        await tree.MustRefuse("/agents/eve/state/report.md");
        await tree.MustRefuse("/agents/eve/state/again.md");
    }

    [Fact]
    public async Task Refuses_anything_but_plain_files()
    {
        File.WriteAllText($"{tree.Outside}/secret.md", "outside");
        tree.HardLink($"{tree.Outside}/secret.md", "/shared/hard.md");
        tree.Fifo("/shared/fifo");
        _ = tree.Device("/shared/device");
        using var socket = new System.Net.Sockets.Socket(
            System.Net.Sockets.AddressFamily.Unix,
            System.Net.Sockets.SocketType.Stream,
            System.Net.Sockets.ProtocolType.Unspecified
        );
        socket.Bind(new System.Net.Sockets.UnixDomainSocketEndPoint(tree.On("/shared/socket")));
        tree.Link("/shared/to-fifo", "fifo");
        tree.Link("/shared/to-hard", "hard.md");
        foreach (var name in (string[])["hard.md", "fifo", "device", "socket", "to-fifo", "to-hard", "missing"])
            await tree.MustRefuse($"/shared/{name}");
        File.Delete($"{tree.Outside}/secret.md");
        await tree.MustRead("/shared/hard.md", "outside");
    }

    [Theory]
    [InlineData(ReadStateFile.MaxBytes - 1, false)]
    [InlineData(ReadStateFile.MaxBytes, false)]
    [InlineData(ReadStateFile.MaxBytes + 1, true)]
    [InlineData(10L * 1024 * 1024 * 1024, true)]
    public async Task Reads_the_first_mebibyte_and_reports_truncation(long size, bool truncated)
    {
        using (var file = File.Create(tree.On("/shared/big")))
            file.SetLength(size);
        var result = await tree.Read("/shared/big");
        Assert.Equal((size, truncated), (result.Size, result.Truncated));
        Assert.Equal((int)Math.Min(size, ReadStateFile.MaxBytes), result.Content.Length);
        Assert.True(result.Content.AsSpan().IndexOfAnyExcept('\0') < 0);
    }

    [Theory]
    [InlineData("é", 1)]
    [InlineData("€", 1)]
    [InlineData("€", 2)]
    [InlineData("🐝", 1)]
    [InlineData("🐝", 2)]
    [InlineData("🐝", 3)]
    public async Task Cuts_between_characters(string character, int inside)
    {
        var text = new string('x', ReadStateFile.MaxBytes - inside);
        tree.Write("/shared/text", text + character + "more");
        Assert.Equal(text, (await tree.Read("/shared/text")).Content);
        tree.Write("/shared/text", text[..^(Encoding.UTF8.GetByteCount(character) - inside)] + character + "more");
        Assert.Equal(
            text[..^(Encoding.UTF8.GetByteCount(character) - inside)] + character,
            (await tree.Read("/shared/text")).Content
        );
    }

    [Fact]
    public async Task Invalid_UTF8_is_shown_as_replacement_characters_and_zeros_are_kept()
    {
        await File.WriteAllBytesAsync(
            tree.On("/shared/bytes"),
            [(byte)'a', 0, 0xFF, (byte)'b', 0xC3, (byte)'c', 0xED, 0xA0, 0x80, 0xE2, 0x82]
        );
        var result = await tree.Read("/shared/bytes");
        Assert.StartsWith("a\0\ufffdb\ufffdc\ufffd", result.Content, StringComparison.Ordinal);
        Assert.Equal((11, false), (result.Size, result.Truncated));
        var broken = new byte[ReadStateFile.MaxBytes + 10];
        broken.AsSpan().Fill(0x80);
        await File.WriteAllBytesAsync(tree.On("/shared/broken"), broken);
        Assert.Equal(new string('\ufffd', ReadStateFile.MaxBytes), (await tree.Read("/shared/broken")).Content);
    }

    [Fact]
    public async Task Size_and_content_agree_for_a_file_that_changes_while_it_is_read()
    {
        tree.Write("/shared/changing", new string('x', 2 * ReadStateFile.MaxBytes));
        using var file = File.OpenHandle(
            tree.On("/shared/changing"),
            FileMode.Open,
            FileAccess.ReadWrite,
            FileShare.ReadWrite
        );
        using var enough = new CancellationTokenSource();
        var changing = Task.Run(() =>
        {
            for (var i = 0; i < 1_000_000 && !enough.IsCancellationRequested; i++)
            {
                RandomAccess.SetLength(file, i % 3 == 0 ? 10 : ReadStateFile.MaxBytes / 2);
                RandomAccess.SetLength(file, 2 * ReadStateFile.MaxBytes);
            }
        });
        for (var i = 0; i < 300; i++)
        {
            var result = await tree.Read("/shared/changing");
            Assert.True(
                result.Truncated
                    ? result.Content.Length == ReadStateFile.MaxBytes && result.Size > ReadStateFile.MaxBytes
                    : result.Size == result.Content.Length
            );
            Assert.True(result.Content.AsSpan().IndexOfAnyExcept('x', '\0') < 0);
        }

        await enough.CancelAsync();
        await changing;
    }
}
