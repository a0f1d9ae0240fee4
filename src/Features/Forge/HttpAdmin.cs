using System.Net;
using System.Security.Cryptography;

namespace Hive.Features.Forge;

/// <summary>
/// Administers the forge through its REST API. A token can only be issued with a password (Forgejo's
/// <c>/users/{name}/tokens</c> accepts no token): that of the admin, or that of the account itself, which Hive knows if
/// it has just created the account. With only an admin's token, an account that Hive created earlier gets a new
/// password; no other account ever does. An account becomes an admin only if it signs in with the password that Hive
/// chose, because anybody can have registered the name before, with any address.
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
                "the login of the forge's admin cannot be read any more; check Forge:TokenFile and Forge:PasswordFile",
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
            : throw answer.Refusal($"issue a token for '{account}'");
    }

    // Returns the password of a new account; null when the account exists, which is then checked to be a plain user.
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
            throw made.Refusal($"create the account '{account}'");
        await AccountCheck.RequireUser(api, account, admin, made.Refusal($"create the account '{account}'"), ct);
        return null;
    }

    private async Task<string?> MakeCore(ForgeLogin admin, CancellationToken ct)
    {
        const string Account = ForgeNames.Core;
        // Stored before it is used, so that an account whose creation was interrupted is recognised.
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
                throw AccountCheck.UnknownCore(admin is ForgeLogin.Token);
        }

        // The API requires the login with its source; 0 is local.
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
                $"the account '{account}' exists and was not created by Hive, so Hive does not change its password; "
                    + "rename or remove it, or give Forge:User and Forge:PasswordFile, since an admin's password "
                    + "can issue a token for it",
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
            : throw reset.Refusal($"reset the password of '{account}'");
    }

    // Random, and with a character of each kind that a forge may require.
    private static string NewPassword() => $"Hv1-{RandomNumberGenerator.GetHexString(40, lowercase: true)}";
}

/// <summary>Checks whether an existing account can be an agent's.</summary>
internal static class AccountCheck
{
    /// <summary>The fault of an account with Hive's name that may not be Hive's.</summary>
    /// <param name="hasTokenAlone">Hive has no admin's password, which could issue a token for an account that Hive did
    /// not create.</param>
    public static ForgeFault UnknownCore(bool hasTokenAlone) =>
        new(
            $"the account '{ForgeNames.Core}' on the forge is not a site admin, and anybody can have created it; "
                + "rename or remove it there; or, if it is Hive's or yours, make it a site admin"
                + (hasTokenAlone ? ", and give Forge:User and Forge:PasswordFile" : ""),
            FaultScope.One
        );

    /// <summary>The fault of a site admin's account that has an agent's name.</summary>
    public static ForgeFault IsSiteAdmin(string account) =>
        new(
            $"'{account}' is a site admin on the forge, and an agent never gets the token of a site admin; rename "
                + "that account, or the agent has none",
            FaultScope.One
        );

    /// <summary>Refuses organisations and site admins: an agent's token must not be theirs.</summary>
    /// <param name="api">The forge's API.</param>
    /// <param name="account">Its name.</param>
    /// <param name="login">The login of the caller.</param>
    /// <param name="otherwise">The fault when the account does not exist.</param>
    /// <param name="ct">Gives up.</param>
    /// <exception cref="ForgeFault">The account cannot be an agent's.</exception>
    public static async Task RequireUser(
        ForgeApi api,
        string account,
        ForgeLogin login,
        ForgeFault otherwise,
        CancellationToken ct
    )
    {
        var found = await api.Send(HttpMethod.Get, $"users/{account}", login, null, ct);
        // A name that the forge reserves is refused with the same status.
        if (found.Status == HttpStatusCode.NotFound)
            throw otherwise;
        if (!found.IsSuccess)
            throw found.Refusal($"look up the account '{account}'");
        if ((await api.Send(HttpMethod.Get, $"orgs/{account}", login, null, ct)).IsSuccess)
            throw new ForgeFault(
                $"'{account}' is an organisation on the forge, and users and organisations share one namespace; "
                    + "rename it, or the agent has no account",
                FaultScope.One
            );
        if (account != ForgeNames.Core && found.Is("is_admin"))
            throw IsSiteAdmin(account);
    }
}
