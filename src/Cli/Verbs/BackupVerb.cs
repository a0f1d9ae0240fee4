using System.CommandLine;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using Hive.Protocol;

namespace Hive.Cli.Verbs;

/// <summary>Writes a backup that the running host puts together.</summary>
internal static class BackupVerb
{
    private static readonly FileStreamOptions New = new()
    {
        Mode = FileMode.CreateNew,
        Access = FileAccess.Write,
        UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
    };

    public static Command Create()
    {
        var file = new Argument<string>("FILE")
        {
            Description = "The new file, a tar archive with mode 0600; one that exists is never overwritten",
        };
        return HostVerb.Create(
            "backup",
            "Save the database, hive.json, prices.json and agents' configurations in a new file while Hive runs; "
                + "agents' notes and shared files are not in it. Restoring comes with a later version.",
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
                    // Half a backup is worse than none.
                    File.Delete(path);
                    throw;
                }
            },
            file
        );
    }

    private static async Task<JsonElement> ReceiveAsync(HostVerb verb, FileStream output)
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
                throw new HiveException("internal", "the backup arrived damaged and was removed; try again");
            output.Flush(flushToDisk: true);
            return line;
        }

        throw new UnreachableException("the host went away before the backup was complete; nothing was kept");
    }

    private static void Show(HostVerb verb, string path, JsonElement end)
    {
        var bytes = end.GetProperty("bytes").GetInt64();
        if (verb.Json)
        {
            HostVerb.Print(
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
            {path}: {size}, the database in it is checked.
            It holds {string.Join(", ", holds)}.
            Agents' notes, logins and shared files are not in it: to keep those, copy the data folder while Hive is down.
            """
        );
    }
}
