namespace Hive.Features.Forge;

/// <summary>A secret in a file for the host alone.</summary>
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

    /// <summary>Keeps a secret: whole, or as it was.</summary>
    public void Write(string secret)
    {
        WriteBeside(secret + "\n");
        File.Move(Made, path, overwrite: true);
    }

    /// <summary>Sees to it that there is room for one.</summary>
    public void Reserve() => WriteBeside(new string(' ', MaxSecret));

    public void Forget() => File.Delete(path);

    private void WriteBeside(string text)
    {
        // Over what was reserved: given back first, that room might be somebody else's by then.
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
