namespace Hive.Features.Forge;

/// <summary>A secret in a file that only the host can read.</summary>
internal sealed class SecretFile(string path)
{
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const int MaxSecret = 256;

    private string Made => path + ".new";

    /// <summary>The secret; null when there is none.</summary>
    public string? Read()
    {
        try
        {
            return File.ReadAllText(path).Trim() is { Length: > 0 } secret ? secret : null;
        }
        catch (FileNotFoundException)
        {
            return null;
        }
    }

    /// <summary>Stores a secret atomically.</summary>
    public void Write(string secret)
    {
        WriteBeside(secret + "\n");
        File.Move(Made, path, overwrite: true);
    }

    /// <summary>Reserves disk space for a secret.</summary>
    public void Reserve() => WriteBeside(new string(' ', MaxSecret));

    public void Forget() => File.Delete(path);

    private void WriteBeside(string text)
    {
        // Written over the reserved space: if that were freed first, another file could take it.
        using var file = new FileStream(
            Made,
            new FileStreamOptions
            {
                Mode = FileMode.OpenOrCreate,
                Access = FileAccess.Write,
                UnixCreateMode = Private,
            }
        );
        file.Write(System.Text.Encoding.ASCII.GetBytes(text));
        file.SetLength(text.Length);
        file.Flush(flushToDisk: true);
    }
}
