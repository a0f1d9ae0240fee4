namespace Hive.Agent;

/// <summary>Writes files in the state folder and nowhere else.</summary>
internal static class StateFile
{
    /// <summary>The full path of a file or folder in the state folder, whether it exists or not.</summary>
    /// <exception cref="FormatException">The path leaves the folder or has a link in it.</exception>
    public static string PathOf(string folder, string path)
    {
        var at = folder;
        foreach (var part in PartsOf(path))
        {
            at = Path.Combine(at, part);
            RefuseLink(at, path);
        }

        return at;
    }

    /// <exception cref="FormatException">The path leaves the folder or has a link in it.</exception>
    public static async Task WriteAsync(string folder, string path, string content, bool append, CancellationToken ct)
    {
        var parts = PartsOf(path);
        var at = folder;
        foreach (var part in parts[..^1])
        {
            at = Path.Combine(at, part);
            RefuseLink(at, path);
            if (File.Exists(at))
                throw new FormatException($"`{path}`: {part} is a file, not a folder");
            Directory.CreateDirectory(at);
        }

        var file = Path.Combine(at, parts[^1]);
        RefuseLink(file, path);
        if (Directory.Exists(file))
            throw new FormatException($"`{path}` is a folder; name a file");

        if (append)
        {
            await File.AppendAllTextAsync(file, content, ct);
            return;
        }

        // Renaming is atomic for readers, and replaces a link that was created in the meantime instead of following it.
        var draft = Path.Combine(at, $".{Guid.NewGuid():N}.tmp");
        try
        {
            await File.WriteAllTextAsync(draft, content, ct);
            File.Move(draft, file, overwrite: true);
        }
        catch
        {
            File.Delete(draft);
            throw;
        }
    }

    private static string[] PartsOf(string path)
    {
        var parts = path.Split('/');
        return path.Contains('\0') || parts.Any(part => part is "" or "." or "..")
            ? throw new FormatException(
                $"`{path}` is not a path inside the state folder; write it relative to that folder and without "
                    + "`..`, as in notes/today.md"
            )
            : parts;
    }

    private static void RefuseLink(string at, string path)
    {
        if (new FileInfo(at).LinkTarget is not null)
            throw new FormatException(
                $"`{path}` has a symbolic link in it; name a real file or folder of the state folder"
            );
    }
}
