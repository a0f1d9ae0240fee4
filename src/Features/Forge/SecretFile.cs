namespace Hive.Features.Forge;

/// <summary>A secret in a file for the host alone.</summary>
internal sealed class SecretFile(string path)
{
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;

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
        var made = path + ".new";
        File.Delete(made);
        using (var file = new FileStream(made, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = Private }))
        {
            file.Write(System.Text.Encoding.ASCII.GetBytes(secret + "\n"));
            file.Flush(flushToDisk: true);
        }

        File.Move(made, path, overwrite: true);
    }

    public void Forget() => File.Delete(path);
}
