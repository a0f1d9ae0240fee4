namespace Hive.Features.Forge;

/// <summary>The token of Hive's own account, in a file for the host alone.</summary>
internal sealed class CoreToken(ForgeSettings settings)
{
    private readonly SecretFile file = new(settings.CoreTokenPath);

    /// <summary>The token; null when there is none yet, or none that could be sent.</summary>
    public ForgeLogin? Read() =>
        file.Read() is { } token && TokenForm.CanBeSent(token) ? new ForgeLogin.Token(token, IsCore: true) : null;

    /// <summary>Makes room, so that no token is asked for that could not be kept.</summary>
    public void Reserve() => file.Reserve();

    public void Write(string token) => file.Write(token);

    /// <summary>Forgets a token that the forge does not know any more.</summary>
    public void Forget() => file.Forget();
}
