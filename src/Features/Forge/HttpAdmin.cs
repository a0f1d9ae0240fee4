using System.Net;
using System.Security.Cryptography;

namespace Hive.Features.Forge;

/// <summary>
/// Administers through the REST API. A token can be made only by a password (Forgejo's <c>/users/{name}/tokens</c>
/// takes no token): that of the admin, or of the account itself, which Hive
/// knows where it has just made it. With an admin's token alone, an account that Hive made earlier gets a new password;
/// nobody else's ever does.
/// Nobody becomes an admin but who signs in with the password that Hive chose: anybody may have registered the name
/// before, with any address.
/// </summary>
internal sealed class HttpAdmin(ForgeSettings settings, ForgeApi api, TimeProvider clock) : IForgeAdmin
{
    private readonly SecretFile corePassword = new(settings.CorePasswordPath);

    public string Mode => "http";

    public ForgeLogin? Login => settings.Admin();

    public Task<string?> Absence(CancellationToken ct) => Task.FromResult(settings.Absence());

    public async Task<string> Issue(string account, bool isCore, ForgeLogin? core, CancellationToken ct)
    {
        var admin =
            Login
            ?? throw new ForgeFault(
                "the forge's admin cannot be read any more; see Forge:TokenFile and Forge:PasswordFile",
                FaultScope.Forge
            );
        var password = isCore ? await MakeCore(admin, ct) : await Make(account, NewPassword(), admin, ct);
        var issuer =
            password is not null ? new ForgeLogin.Password(account, password)
            : admin is ForgeLogin.Password ? admin
            : await Reset(account, admin, ct);
        var answer = await api.Send(
            HttpMethod.Post,
            $"users/{account}/tokens",
            issuer,
            new { name = TokenName.New(clock), scopes = isCore ? ForgeNames.CoreScopes : ForgeNames.AgentScopes },
            ct
        );
        return answer.IsSuccess
            ? TokenForm.Read(answer.Text("sha1"), account)
            : throw answer.Refusal($"make a token for '{account}'");
    }

    // The password of an account that was made just now; null when there was one, which is checked to be a user's own.
    private async Task<string?> Make(string account, string password, ForgeLogin admin, CancellationToken ct)
    {
        var made = await api.Send(
            HttpMethod.Post,
            "admin/users",
            admin,
            new
            {
                username = account,
                email = ForgeNames.Mail(account),
                password,
                must_change_password = false,
                send_notify = false,
            },
            ct,
            password
        );
        if (made.IsSuccess)
            return password;
        if (!made.IsTaken)
            throw made.Refusal($"make the account '{account}'");
        await AccountCheck.MustBeUser(api, account, admin, made.Refusal($"make the account '{account}'"), ct);
        return null;
    }

    private async Task<string?> MakeCore(ForgeLogin admin, CancellationToken ct)
    {
        const string Account = ForgeNames.Core;
        // Kept before it is used, so that an account whose making broke off is known again.
        var password = corePassword.Read() ?? NewPassword();
        corePassword.Write(password);
        if (await Make(Account, password, admin, ct) is null)
        {
            if ((await api.Send(HttpMethod.Get, $"users/{Account}", admin, null, ct)).Is("is_admin"))
            {
                corePassword.Forget();
                return null;
            }

            if (
                !(
                    await api.Send(HttpMethod.Get, "user", new ForgeLogin.Password(Account, password), null, ct)
                ).IsSuccess
            )
                throw AccountCheck.StrangeCore(admin is ForgeLogin.Token);
        }

        // A login has to be named with its source: a local one is 0.
        var promoted = await api.Send(
            HttpMethod.Patch,
            $"admin/users/{Account}",
            admin,
            new
            {
                login_name = Account,
                source_id = 0,
                admin = true,
            },
            ct
        );
        if (!promoted.IsSuccess)
            throw promoted.Refusal($"make '{Account}' an admin");
        corePassword.Forget();
        return password;
    }

    private async Task<ForgeLogin> Reset(string account, ForgeLogin admin, CancellationToken ct)
    {
        var found = await api.Send(HttpMethod.Get, $"users/{account}", admin, null, ct);
        if (found.Text("email") != ForgeNames.Mail(account))
        {
            throw new ForgeFault(
                $"the account '{account}' is there and was not made by Hive, so its password is not Hive's to change; rename or remove it, or give Forge:User and Forge:PasswordFile, since an admin's password can make a token for it",
                FaultScope.One
            );
        }

        var password = NewPassword();
        var reset = await api.Send(
            HttpMethod.Patch,
            $"admin/users/{account}",
            admin,
            new
            {
                login_name = account,
                source_id = 0,
                password,
                must_change_password = false,
            },
            ct,
            password
        );
        return reset.IsSuccess
            ? new ForgeLogin.Password(account, password)
            : throw reset.Refusal($"let '{account}' make a token");
    }

    // Random enough by far, and with a letter of each kind that a forge may ask for.
    private static string NewPassword() => $"Hv1-{RandomNumberGenerator.GetHexString(40, lowercase: true)}";
}

/// <summary>Whether an account that is there already may be an agent's.</summary>
internal static class AccountCheck
{
    /// <summary>What is wrong with an account of Hive's name that nothing shows to be Hive's.</summary>
    /// <param name="hasTokenAlone">Hive knows no admin's password, which could make a token for an account that Hive
    /// did not make.</param>
    public static ForgeFault StrangeCore(bool hasTokenAlone) =>
        new(
            $"there is an account '{ForgeNames.Core}' on the forge that is no site admin, and anybody may have made it; rename or remove it there; or, if it is Hive's or yours, make it a site admin"
                + (hasTokenAlone ? ", and give Forge:User and Forge:PasswordFile" : ""),
            FaultScope.One
        );

    /// <summary>What is wrong with a site admin's account for an agent.</summary>
    public static ForgeFault IsSiteAdmin(string account) =>
        new(
            $"'{account}' is a site admin on the forge, and no agent gets the token of one; rename that account, or the agent does without",
            FaultScope.One
        );

    /// <summary>Refuses an organisation, and a site admin: an agent's token must not be one of them.</summary>
    /// <param name="api">Asks.</param>
    /// <param name="account">Its name.</param>
    /// <param name="login">Who asks.</param>
    /// <param name="otherwise">What is wrong when there is no such account.</param>
    /// <param name="ct">Gives up.</param>
    /// <exception cref="ForgeFault">It may not.</exception>
    public static async Task MustBeUser(
        ForgeApi api,
        string account,
        ForgeLogin login,
        ForgeFault otherwise,
        CancellationToken ct
    )
    {
        var found = await api.Send(HttpMethod.Get, $"users/{account}", login, null, ct);
        // A name that the forge keeps for itself is refused with the same status.
        if (found.Status == HttpStatusCode.NotFound)
            throw otherwise;
        if (!found.IsSuccess)
            throw found.Refusal($"look at the account '{account}'");
        if ((await api.Send(HttpMethod.Get, $"orgs/{account}", login, null, ct)).IsSuccess)
            throw new ForgeFault(
                $"'{account}' is an organisation on the forge, and users and organisations share their names; rename it, or the agent does without an account",
                FaultScope.One
            );
        if (account != ForgeNames.Core && found.Is("is_admin"))
            throw IsSiteAdmin(account);
    }
}
