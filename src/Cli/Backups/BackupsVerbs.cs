using System.CommandLine;
using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using Hive.Cli.Host;
using Hive.Cli.Terminal;
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
        var withState = new Option<bool>("--with-state")
        {
            Description = "Also back up the agents' state folders and the shared folder",
        };
        return Verb.Create(
            "backup",
            "Back up the database, options, configurations and evidence while Hive runs, and try the restore.",
            async (verb, parsed) =>
            {
                var path = Path.GetFullPath(parsed.GetRequiredValue(file));
                if (Path.Exists(path))
                    throw Taken(path);
                // It gets its name when its restore has worked: a partial backup could be mistaken for a whole one.
                WorkFolder.RemoveLeft(Path.GetDirectoryName(path)!);
                using var work = Create(path);
                var part = Path.Combine(work.Path, "hive.tar");
                JsonElement end;
                await using (var output = CreateFile(part))
                    end = await ReceiveAsync(verb, output, parsed.GetValue(withState));
                var tried = await TryAsync(part, verb.Cancelled);
                Keep(part, path);
                Show(verb, path, end, tried, parsed.GetValue(withState));
            },
            file,
            withState
        );
    }

    private static WorkFolder Create(string path)
    {
        try
        {
            return WorkFolder.Beside(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Unwritten(e);
        }
    }

    private static FileStream CreateFile(string part)
    {
        try
        {
            return new FileStream(part, New);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Unwritten(e);
        }
    }

    private static void Keep(string part, string path)
    {
        try
        {
            File.Move(part, path);
        }
        catch (IOException) when (Path.Exists(path))
        {
            throw Taken(path);
        }
    }

    private static async Task<JsonElement> ReceiveAsync(VerbContext verb, FileStream output, bool withState)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        await foreach (var line in verb.StreamAsync("backup", new { with_state = withState }))
        {
            try
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
            catch (IOException e)
            {
                throw Unwritten(e);
            }
        }

        throw new UnreachableException(
            "the host closed the connection before the backup was complete; the file was deleted"
        );
    }

    // The host's program restores the file into a temporary folder beside it.
    private static async Task<JsonElement> TryAsync(string part, CancellationToken ct)
    {
        var start = HostProgram.Start(["--try-backup", part], Display.Current.Variables);
        try
        {
            using var host = Process.Start(start)!;
            await using var cancel = ct.Register(host.Kill);
            // Not cancelled themselves, so that the process has ended when its folder is removed.
            var error = host.StandardError.ReadToEndAsync(CancellationToken.None);
            var output = await host.StandardOutput.ReadToEndAsync(CancellationToken.None);
            await host.WaitForExitAsync(CancellationToken.None);
            ct.ThrowIfCancellationRequested();
            return host.ExitCode == 0
                ? JsonElement.Parse(output)
                : throw Untried((await error).Trim().Replace(part, "the file", StringComparison.Ordinal));
        }
        catch (Exception e) when (e is Win32Exception or JsonException)
        {
            throw Untried($"{start.FileName} does not work: {e.Message}");
        }
    }

    private static HiveException Taken(string path) =>
        new("conflict", $"{path} exists and was not changed; name a new file");

    private static HiveException Unwritten(Exception e) =>
        new(
            "unavailable",
            $"the backup cannot be written, and was deleted: {e.Message}; make room, or name another file"
        );

    private static HiveException Untried(string why) =>
        new("unavailable", $"the backup was made, but could not be restored on trial, and was deleted: {why}");

    private static void Show(VerbContext verb, string path, JsonElement end, JsonElement tried, bool withState)
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
                    ["made_at"] = tried.GetProperty("made_at").GetString(),
                    ["holds"] = JsonSerializer.SerializeToNode(end.GetProperty("holds")),
                    ["left_out"] = LeftOut(end) is { Length: > 0 } names ? JsonSerializer.SerializeToNode(names) : null,
                    ["restores"] = JsonSerializer.SerializeToNode(tried.GetProperty("holds")),
                }
            );
            return;
        }

        var size = string.Create(CultureInfo.InvariantCulture, $"{bytes / 1024.0 / 1024.0:0.0} MiB");
        var restores = tried.GetProperty("holds").EnumerateArray().Select(h => h.GetString());
        verb.Screen.Line(
            $"""
            {path}: {size}; its restore was tried and works.
            It restores {string.Join(", ", restores)}: `hive up --restore {path}`.
            It lacks agents' logins{(withState ? "" : ", notes and shared files (--with-state adds the last two)")}.
            """
        );
        if (LeftOut(end) is { Length: > 0 } left)
            verb.Screen.Line(
                $"It lacks these files (at most 20 are named; the log has the counts): {string.Join("; ", left)}."
            );
    }

    private static string[] LeftOut(JsonElement end) =>
        end.TryGetProperty("left_out", out var names) ? [.. names.EnumerateArray().Select(n => n.GetString()!)] : [];
}
