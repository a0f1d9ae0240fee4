namespace Hive.Features.Forge;

/// <summary>The token of Hive's own account, in a file for the host alone.</summary>
internal sealed class CoreToken(ForgeSettings settings)
{
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>The token; null when there is none yet.</summary>
    public ForgeLogin? Read()
    {
        try
        {
            return File.ReadAllText(settings.CoreTokenPath).Trim() is { Length: > 0 } token ? new ForgeLogin.Token(token, IsCore: true) : null;
        }
        catch (FileNotFoundException)
        {
            return null;
        }
    }

    /// <summary>Keeps a token: whole, or as it was.</summary>
    public void Write(string token)
    {
        var made = settings.CoreTokenPath + ".new";
        File.Delete(made);
        using (var file = new FileStream(made, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, UnixCreateMode = Private }))
        {
            file.Write(System.Text.Encoding.ASCII.GetBytes(token + "\n"));
            file.Flush(flushToDisk: true);
        }

        File.Move(made, settings.CoreTokenPath, overwrite: true);
    }

    /// <summary>Forgets a token that the forge does not know any more.</summary>
    public void Forget() => File.Delete(settings.CoreTokenPath);
}
