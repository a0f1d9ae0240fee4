namespace Hive.Features.Forge;

/// <summary>The token of Hive's own account, in a file for the host alone.</summary>
internal sealed class CoreToken(ForgeSettings settings)
{
    private readonly SecretFile file = new(settings.CoreTokenPath);

    /// <summary>The token; null when it is missing or cannot be sent in a header.</summary>
    public ForgeLogin? Read() =>
        file.Read() is { } token && TokenForm.CanBeSent(token) ? new ForgeLogin.Token(token, IsCore: true) : null;

    /// <summary>Reserves disk space, so that no token is issued that could not be stored.</summary>
    public void Reserve() => file.Reserve();

    public void Write(string token) => file.Write(token);

    /// <summary>Deletes a token that the forge refused.</summary>
    public void Forget() => file.Forget();
}
