using System.Text.Json;
using Hive.Protocol;
using Hive.Tests.Fixture;
using Hive.Tests.Messages;

namespace Hive.Tests.StateFiles;

/// <summary>Tests files that are sent with a message.</summary>
public sealed class FileHandoverTests
{
    [Fact]
    public async Task The_recipient_gets_the_path_of_a_copy_that_does_not_change()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob");
        var (alice, bob) = (await hive.Connect("alice"), await hive.Connect("bob"));
        var file = Write(hive, "agents/alice/state/notes/my report (1).md", "wörtlich");
        var sent = await alice.CallAsync(
            "send",
            new
            {
                to = "bob",
                body = "read this",
                file_path = file,
                key = "once",
            }
        );
        var message = Assert.Single(await bob.Receive());
        var copy = Assert.Single(message.FileRefs);
        Assert.Equal($"read this\n\nFile: {copy}", message.Body);
        Assert.StartsWith($"{hive.DataDir}/agents/bob/state/received/alice/", copy, StringComparison.Ordinal);
        Assert.EndsWith("-my_report__1_.md", copy, StringComparison.Ordinal);
        Assert.Equal("wörtlich", await File.ReadAllTextAsync(copy));
        Assert.Equal(UnixFileMode.UserRead, File.GetUnixFileMode(copy));

        // A repetition with the same key gives the same result, even if the file was deleted since.
        File.Delete(file);
        Assert.Equal(
            sent.ToString(),
            (
                await alice.CallAsync(
                    "send",
                    new
                    {
                        to = "bob",
                        body = "read this",
                        file_path = file,
                        key = "once",
                    }
                )
            ).ToString()
        );
        Assert.Equal("wörtlich", await File.ReadAllTextAsync(copy));
        Assert.Empty(await bob.Receive());

        // The same content is stored once. A file of the shared folder can be sent too, in container form.
        Write(hive, "shared/my report (1).md", "wörtlich");
        await alice.CallAsync(
            "send",
            new
            {
                to = "bob",
                body = "again",
                file_path = "/shared/my report (1).md",
            }
        );
        Assert.Equal([copy], Assert.Single(await bob.Receive()).FileRefs);
        Assert.Single(Directory.GetFiles(Path.GetDirectoryName(copy)!));

        // The operator reads the file itself.
        await alice.CallAsync(
            "send",
            new
            {
                to = "operator",
                body = "look",
                file_path = "/shared/my report (1).md",
            }
        );
        var inbox = (await (await hive.Operator()).CallAsync("inbox"))
            .GetProperty("messages")
            .Deserialize<Message[]>(WireJson.Options)!;
        Assert.Equal(
            ("look\n\nFile: /shared/my report (1).md", "/shared/my report (1).md"),
            (inbox[0].Body, Assert.Single(inbox[0].FileRefs))
        );
    }

    [Fact]
    public async Task Files_that_the_sender_may_not_give_are_refused_and_not_copied()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob", "carol");
        var (alice, bob) = (await hive.Connect("alice"), await hive.Connect("bob"));
        var state = Path.Combine(hive.DataDir, "agents/alice/state");
        var foreign = Write(hive, "agents/carol/state/secret.md", "hers");
        Write(hive, "agents/alice/state/forge-token", "t");
        Write(hive, "agents/alice/state/large.bin", new string('x', (1 << 20) + 1));
        var plain = Write(hive, "agents/alice/state/plain.md", "mine");
        File.CreateSymbolicLink(Path.Combine(state, "out"), foreign);
        File.CreateSymbolicLink(Path.Combine(state, "up"), "../../carol/state/secret.md");
        await Give(foreign, "forbidden");
        await Give("/agents/carol/state/secret.md", "forbidden");
        await Give($"{state}/../../carol/state/secret.md", "forbidden");
        await Give($"{hive.DataDir}/access-token", "forbidden");
        await Give("/agents/alice/state/forge-token", "forbidden");
        await Give("/agents/alice/state/out", "not_found");
        await Give("/agents/alice/state/up", "not_found");
        await Give("/agents/alice/state/missing.md", "not_found");
        await Give("/agents/alice/state", "forbidden");
        Assert.Contains(
            "1048576 bytes",
            (await Give("/agents/alice/state/large.bin", "too_large")).Message,
            StringComparison.Ordinal
        );
        Assert.Contains(
            "/shared/",
            (
                await Talk.Refused(
                    () =>
                        alice.CallAsync(
                            "send",
                            new
                            {
                                to = "*",
                                body = "x",
                                file_path = plain,
                            }
                        ),
                    "invalid"
                )
            ).Message,
            StringComparison.Ordinal
        );
        await Talk.Refused(
            () =>
                alice.CallAsync(
                    "send",
                    new
                    {
                        to = "bop",
                        body = "x",
                        file_path = plain,
                    }
                ),
            "not_found"
        );
        Assert.Contains(
            "shorten the text",
            (
                await Talk.Refused(
                    () =>
                        alice.CallAsync(
                            "send",
                            new
                            {
                                to = "bob",
                                body = new string('x', 4090),
                                file_path = plain,
                            }
                        ),
                    "too_large"
                )
            ).Message,
            StringComparison.Ordinal
        );
        Assert.Equal((0, 0, 0), await bob.Status());
        // A link in the recipient's folder is not followed.
        var received = Path.Combine(hive.DataDir, "agents/bob/state/received");
        await Talk.Refused(
            () =>
                alice.CallAsync(
                    "send",
                    new
                    {
                        to = "bob",
                        body = "x",
                        file_path = plain,
                        in_reply_to = 4711,
                    }
                ),
            "not_found"
        );
        Assert.False(Directory.Exists(received));
        Directory.CreateSymbolicLink(received, Path.Combine(hive.DataDir, "agents/carol/state"));
        await Give(plain, "forbidden");
        Assert.Equal([foreign], Directory.GetFileSystemEntries(Path.Combine(hive.DataDir, "agents/carol/state")));

        Task<HiveException> Give(string path, string code) =>
            Talk.Refused(
                () =>
                    alice.CallAsync(
                        "send",
                        new
                        {
                            to = "bob",
                            body = "x",
                            file_path = path,
                        }
                    ),
                code
            );
    }

    [Fact]
    public async Task One_sender_cannot_fill_a_recipients_folder()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice", "bob", "carol");
        var (alice, carol) = (await hive.Connect("alice"), await hive.Connect("carol"));
        for (var i = 0; i < 32; i++)
            await alice.CallAsync(
                "send",
                new
                {
                    to = "bob",
                    body = $"{i}",
                    file_path = Write(hive, "agents/alice/state/part.txt", $"{i}"),
                }
            );
        var over = Write(hive, "agents/alice/state/part.txt", "one more");
        Assert.Contains(
            "32 files",
            (
                await Talk.Refused(
                    () =>
                        alice.CallAsync(
                            "send",
                            new
                            {
                                to = "bob",
                                body = "x",
                                file_path = over,
                            }
                        ),
                    "conflict"
                )
            ).Message,
            StringComparison.Ordinal
        );
        await carol.CallAsync(
            "send",
            new
            {
                to = "bob",
                body = "x",
                file_path = Write(hive, "agents/carol/state/hers.txt", "hers"),
            }
        );
        File.Delete(Directory.GetFiles(Path.Combine(hive.DataDir, "agents/bob/state/received/alice"))[0]);
        await alice.CallAsync(
            "send",
            new
            {
                to = "bob",
                body = "x",
                file_path = over,
            }
        );
    }

    private static string Write(HiveFixture hive, string path, string text)
    {
        var file = Path.Combine(hive.DataDir, path);
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        File.WriteAllText(file, text);
        return file;
    }
}
