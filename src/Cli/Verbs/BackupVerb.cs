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
    public static Command Create()
    {
        var file = new Argument<string>("FILE") { Description = "The new file, a tar archive with mode 0600; one that exists is never overwritten" };
        return HostVerb.Create(
            "backup",
            "Save the database, hive.json, prices.json and agents' configurations in a new file while Hive runs; agents' notes and shared files are not in it.",
            async (verb, parsed) =>
            {
                var path = Path.GetFullPath(parsed.GetRequiredValue(file));
                FileStream output;
                try
                {
                    output = new FileStream(path, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite });
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
                    if (verb.Json)
                        HostVerb.Print(new JsonObject { ["file"] = path, ["bytes"] = end.GetProperty("bytes").GetInt64(), ["sha256"] = end.GetProperty("sha256").GetString(), ["holds"] = JsonSerializer.SerializeToNode(end.GetProperty("holds")) });
                    else
                        Show(verb, path, end);
                }
                catch
                {
                    // Half a backup is worse than none.
                    File.Delete(path);
                    throw;
                }
            },
            file);
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
        verb.Screen.Line(string.Create(CultureInfo.InvariantCulture, $"{path}: {end.GetProperty("bytes").GetInt64() / 1024.0 / 1024.0:0.0} MiB, the database in it is checked."));
        verb.Screen.Line($"It holds {string.Join(", ", end.GetProperty("holds").EnumerateArray().Select(h => h.GetString()))}.");
        verb.Screen.Line("Agents' notes, their logins and shared files are not in it: copy the data folder while Hive is stopped to keep those.");
    }
}
