/** A private registry of Amazon ECR: that of one account in one region. */
export interface PrivateRegistry {
  readonly kind: 'private';
  /** In lower case, without a port: `111222333444.dkr.ecr.eu-west-1.amazonaws.com`. */
  readonly host: string;
  /** Twelve digits. */
  readonly account: string;
  readonly region: string;
  /** What stands behind the region, and says which partition it is in: `amazonaws.com.cn`, `on.aws`. */
  readonly suffix: string;
  /** Whether its name is that of the endpoints with cryptography by FIPS 140. */
  readonly isFips: boolean;
  /** Whether it is reached over IPv4 and IPv6. */
  readonly isDualStack: boolean;
}

/** Amazon ECR Public, which there is once. */
export interface PublicRegistry {
  readonly kind: 'public';
  readonly host: string;
  readonly isDualStack: boolean;
}

/** A registry of Amazon ECR. */
export type EcrRegistry = PrivateRegistry | PublicRegistry;
