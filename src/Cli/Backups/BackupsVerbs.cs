using System.CommandLine;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using Hive.Protocol;

namespace Hive.Cli.Backups;

internal static class BackupsVerbs
{
    private static readonly FileStreamOptions New = new()
    {
        Mode = FileMode.CreateNew,
        Access = FileAccess.Write,
        UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
    };

    public static Command[] All() => [Backup()];

    private static Command Backup()
    {
        var file = new Argument<string>("FILE")
        {
            Description = "The tar archive to create, with mode 0600; an existing file is never overwritten",
        };
        return Verb.Create(
            "backup",
            "Back up the database, options and configurations while Hive runs, not agents' notes or shared files.",
            async (verb, parsed) =>
            {
                var path = Path.GetFullPath(parsed.GetRequiredValue(file));
                FileStream output;
                try
                {
                    output = new FileStream(path, New);
                }
                catch (IOException) when (Path.Exists(path))
                {
                    throw new HiveException("conflict", $"{path} exists and was not changed; name a new file");
                }

                try
                {
                    JsonElement end;
                    await using (output)
                        end = await ReceiveAsync(verb, output);
                    Show(verb, path, end);
                }
                catch
                {
                    // A partial backup could be mistaken for a whole one.
                    File.Delete(path);
                    throw;
                }
            },
            file
        );
    }

    private static async Task<JsonElement> ReceiveAsync(VerbContext verb, FileStream output)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        await foreach (var line in verb.StreamAsync("backup", new { }))
        {
            if (line.TryGetProperty("chunk", out var chunk))
            {
                var piece = chunk.GetBytesFromBase64();
                hash.AppendData(piece);
                await output.WriteAsync(piece, verb.Cancelled);
                continue;
            }

            if (line.GetProperty("sha256").GetString() != Convert.ToHexStringLower(hash.GetHashAndReset()))
                throw new HiveException("internal", "the backup arrived damaged and was deleted; try again");
            output.Flush(flushToDisk: true);
            return line;
        }

        throw new UnreachableException(
            "the host closed the connection before the backup was complete; the file was deleted"
        );
    }

    private static void Show(VerbContext verb, string path, JsonElement end)
    {
        var bytes = end.GetProperty("bytes").GetInt64();
        if (verb.Json)
        {
            JsonOutput.Print(
                new JsonObject
                {
                    ["file"] = path,
                    ["bytes"] = bytes,
                    ["sha256"] = end.GetProperty("sha256").GetString(),
                    ["holds"] = JsonSerializer.SerializeToNode(end.GetProperty("holds")),
                }
            );
            return;
        }

        var size = string.Create(CultureInfo.InvariantCulture, $"{bytes / 1024.0 / 1024.0:0.0} MiB");
        var holds = end.GetProperty("holds").EnumerateArray().Select(h => h.GetString());
        verb.Screen.Line(
            $"""
            {path}: {size}; its database was checked.
            It holds {string.Join(", ", holds)}.
            It lacks agents' notes, logins and shared files; to keep those, copy the data folder while Hive is down.
            """
        );
    }
}
